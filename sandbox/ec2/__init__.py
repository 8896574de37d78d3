"""A simulation of EC2's Elastic IPs that any AWS SDK can talk to, with the semantics of the real one."""
