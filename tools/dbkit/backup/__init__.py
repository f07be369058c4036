"""Backups and what they are worth: dump, restore for a test, and look at a database before and after a deployment.

`picture` says what a database holds, `dump` saves it together with such a picture, `restore` brings it back on a
disposable server and compares, `deployment` compares a database with its own picture from before.
"""
