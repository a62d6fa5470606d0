"""Simulated"""
