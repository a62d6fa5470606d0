"""From the circuit to the material: arcs, their processes, geometry, conductivity or its limit."""
