"""The app: thin Streamlit pages over the graph's answers and the reviews. Started by `grantmap ui`."""
