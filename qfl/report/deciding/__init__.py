"""What a study says about solvers and the devices they ran on: decisions, equal time, places.

Instances are the sample here, not federations; tables and sentences only.
"""
