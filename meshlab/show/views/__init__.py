"""What workbooks show beside a report: tables of the models, what lies around a scenario, and moves."""
