"""What a study says about security: keys link by link, masks, privacy, attacks, how far keys reach.

Each table and figure is empty where nothing was protected or attacked.
"""
