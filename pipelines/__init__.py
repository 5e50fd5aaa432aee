"""In what order and where: build files, the recipe, the plan, engines, the command line, the report."""
