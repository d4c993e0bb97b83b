class PapermillExecutionError(Exception):
    exec_count: int | None
    ename: str
    evalue: str
