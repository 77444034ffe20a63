namespace PageFold.Nbd.Session;

/// <summary>Lets one thread wait for others to say that things have changed. A signal that comes while nobody waits is kept for the next wait. Thread-safe; there is nothing to dispose of, so a late signal harms nothing.</summary>
internal sealed class Signal
{
    private readonly object _monitor = new();
    private bool _set;

    public void Set()
    {
        lock (_monitor)
        {
            _set = true;
            Monitor.Pulse(_monitor);
        }
    }

    public void Wait()
    {
        lock (_monitor)
        {
            while (!_set)
                Monitor.Wait(_monitor);
            _set = false;
        }
    }
}
