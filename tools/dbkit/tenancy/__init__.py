"""The one tenancy model that lint, drift, the leak proof, the test generator and the docs share.

declaration (`[tenancy]`, what the owner says) → reading (policies and functions of a database) → model (both as one).
"""
