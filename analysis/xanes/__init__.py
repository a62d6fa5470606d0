"""xanes"""
