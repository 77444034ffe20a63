namespace PageFold.Nbd.Session;

/// <summary>
/// Runs the slow requests of one disk, of all its connections, on the thread pool, a limited number at a time and in the order in which
/// they came.
/// </summary>
/// <remarks>
/// Each running request keeps one of the store's few codec streams for as long as it takes, and fast requests need some too. So as many run
/// at once as there are processors, half of the store's codec streams. Thread-safe.
/// </remarks>
internal sealed class SlowLane
{
    private static readonly int MaxRunning = Environment.ProcessorCount;

    private readonly Lock _lock = new();
    private readonly Queue<IThreadPoolWorkItem> _waiting = new();
    private int _running;

    /// <summary>Starts the work, or queues it. The work calls <see cref="Leave"/> at its end.</summary>
    public void Enter(IThreadPoolWorkItem work)
    {
        lock (_lock)
        {
            if (_running == MaxRunning)
            {
                _waiting.Enqueue(work);
                return;
            }
            _running++;
        }
        ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
    }

    /// <summary>Ends a running request, and starts the next one that waits.</summary>
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
