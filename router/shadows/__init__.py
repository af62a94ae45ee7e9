"""Shadow calls: another model is asked what one has answered, and a judge compares. After the answer, never before."""
