"""Simulators of the measurements in this folder and writers of the vendors' formats.

They share no code with the readers and the analyses, so that a number recovered from their files proves something. One
module a technique (`eis`, `cycling`, `xanes`, `haxpes`, `tem`), each with parameters as a frozen dataclass, a pure
``simulate`` and a ``draw`` that also errs in what a user states; one module a format (``write_*``).
"""
