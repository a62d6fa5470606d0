"""cycling"""
