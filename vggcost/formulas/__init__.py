"""The formulas that vggcost exists for: arithmetic and nothing else."""
