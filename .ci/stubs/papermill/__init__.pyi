# Types of the part of papermill 2 that meshlab uses: the library has none, and nobody publishes stubs.
