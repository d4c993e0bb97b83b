"""Architecture reviews of Kubernetes networking: CNI and service mesh, from a cluster's own facts.

Nothing heavy is imported here, so that ``meshlab --help`` starts at once; import the module you need.
"""

__version__ = "0.1.0"
