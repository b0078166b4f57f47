# Flows: what the cashier does, as `async def` made of screens. `app` (app.root.App) holds the
# services; a flow never touches sockets, drivers or the journal.
