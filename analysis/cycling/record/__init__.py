"""From records to half cycles: the charge of each record, steps, half cycles and cycles."""
