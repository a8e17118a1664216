export function Undo() { return <h1>Undo</h1>; }
