"""What `doctor` looks at: a module for each world, which reads and hands what it read to `controller.core.diagnosis`.

Nothing is changed: EC2's mutations are asked for as dry runs alone, and writes to the table have a condition that
nothing meets. It is imported by the command alone, for it loads botocore and the Kubernetes client.
"""
