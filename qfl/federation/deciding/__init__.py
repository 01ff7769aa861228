"""What a server decides from: what it knows of clients, whom to ask, who uploads when.

Questions are put as plain arrays to `qfl.problems`; the solver is handed in.
"""
