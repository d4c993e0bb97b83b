"""Reports by the thousand: warm processes that run workbooks, workers here or on Dask, pages, and a folder's index."""
