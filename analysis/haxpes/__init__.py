"""haxpes"""
