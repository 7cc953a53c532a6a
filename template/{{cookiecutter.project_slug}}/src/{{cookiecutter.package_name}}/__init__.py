"""What is {{ cookiecutter.project_name }}'s own: sources, cleaning steps, estimators, metrics.

Any function or class here can be named by `_target_` in conf/, like Fivefold's own; a change of it
re-runs the stages that use it.
"""
