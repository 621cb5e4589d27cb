"""Can we serve at all?"""
