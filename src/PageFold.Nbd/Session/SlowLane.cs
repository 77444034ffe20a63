namespace PageFold.Nbd.Session;

/// <summary>
/// Lets the slow requests of a disk, of all its connections, go on to the thread pool, only so many at once: each of them keeps one of the store's few workbenches for as long as it takes, and quick requests
/// need some too. The others wait in the order in which they came. Thread-safe.
/// </summary>
internal sealed class SlowLane(int most)
{
    private readonly Lock _lock = new();
    private readonly Queue<IThreadPoolWorkItem> _waiting = new();
    private int _running;

    /// <summary>Starts the work, or has it wait. Whoever does it calls <see cref="Leave"/> at its end.</summary>
    public void Enter(IThreadPoolWorkItem work)
    {
        lock (_lock)
        {
            if (_running == most)
            {
                _waiting.Enqueue(work);
                return;
            }
            _running++;
        }
        ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
    }

    public void Leave()
    {
        IThreadPoolWorkItem? next;
        lock (_lock)
        {
            if (!_waiting.TryDequeue(out next))
            {
                _running--;
                return;
            }
        }
        ThreadPool.UnsafeQueueUserWorkItem(next, preferLocal: false);
    }
}
