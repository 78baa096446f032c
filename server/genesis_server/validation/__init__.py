"""Room: validation. Is a plan and its routing sound, solvable, complete and without redundancy?"""
