namespace PageFold.Nbd.Session;

/// <summary>Wakes one thread when the state that it waits for may have changed.</summary>
/// <remarks>
/// A signal that comes while the thread does not wait is kept for its next wait. Thread-safe. There is nothing to dispose of, so a late
/// signal harms nothing.
/// </remarks>
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
