namespace PageFold.Interleavings;

/// <summary>What a thread of a scenario can do next.</summary>
internal enum WorkerState
{
    Ready,
    Spinning,
    Blocked,
    Waiting,
    WaitingForATime,
    Finished,
}

/// <summary>A thread of the system that runs one body of a scenario after another, each time it is its turn.</summary>
internal sealed class Worker : IDisposable
{
    private readonly SemaphoreSlim _turn = new(0);
    private Action? _body;

    public Worker(int number)
    {
        Number = number;
        System.Threading.Thread thread = new(Loop, maxStackSize: 1 << 20) { IsBackground = true };
        thread.Start();
    }

    public int Number { get; }

    public Scheduler? Scheduler { get; private set; }

    public WorkerState State { get; set; }

    /// <summary>What the thread is blocked on, or waits for.</summary>
    public object? Key { get; set; }

    public bool HasTimedOut { get; set; }

    /// <summary>Where the thread's last point was, and how often in sequence.</summary>
    public (string File, int Line, int Times) LastPoint { get; set; }

    /// <summary>A bit for each thread that goes first since this one has spun: see <see cref="Scheduler"/>.</summary>
    public uint Behind { get; set; }

    public void Begin(Scheduler scheduler, Action body)
    {
        Scheduler = scheduler;
        State = WorkerState.Ready;
        (Key, HasTimedOut, Behind, LastPoint) = (null, false, 0, default);
        _body = body;
    }

    public void Wake() => _turn.Release();

    public void AwaitTurn() => _turn.Wait();

    /// <summary>Ends the thread, which has no body now.</summary>
    public void Dispose()
    {
        _body = null;
        _turn.Release();
    }

    private void Loop()
    {
        while (true)
        {
            AwaitTurn();
            if (_body is not { } body)
                return;
            Scheduler!.Work(this, body);
        }
    }
}
