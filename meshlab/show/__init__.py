"""How a review is shown: charts, their export for documents, reports, and views and widgets for notebooks."""
