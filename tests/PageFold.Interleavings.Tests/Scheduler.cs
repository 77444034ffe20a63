using System.Runtime.CompilerServices;

namespace PageFold.Interleavings;

/// <summary>
/// Runs the threads of a scenario one at a time, each on a thread of the system. Before each access to shared memory the running thread
/// comes here, and a <see cref="Chooser"/> says which thread goes on. So the same choices give the same run.
/// </summary>
/// <remarks>
/// <para>
/// What is explored are interleavings of whole operations: what one processor could do. Reordering by weaker memory models is not.
/// </para>
/// <para>
/// A thread that spins is not chosen before another thread has written something and every thread that could go on has gone on (Musuvathi
/// and Qadeer, "Fair stateless model checking", 2008): so threads that spin for one another do not keep out the one that they wait for.
/// When no thread can go on, those that spin are tried once more, then time passes. Where that does not help, the scenario has come to a
/// deadlock, which is a failure.
/// </para>
/// <para>
/// A run that fails is abandoned: its threads stay where they are for the rest of the process, since what they hold cannot be taken back.
/// </para>
/// </remarks>
internal sealed class Scheduler(Chooser chooser, IReadOnlySet<string>? files, bool clockMayJump, bool isTraced)
{
    // A run of a scenario has some hundreds of points. One that has more than this goes round in circles.
    private const int MaxSteps = 20_000;
    private const int MaxTurnsInVain = 30;

    // A thread that looks through a table is at the same line hundreds of times.
    private const int MaxPointsOfALine = 3;
    private const int TimeThatPasses = 1000;

    private static readonly Action<object> RealEnter = Real<Action<object>>("Enter", typeof(object));
    private static readonly Action<object> RealExit = Real<Action<object>>("Exit", typeof(object));
    private static readonly Func<object, int, bool> RealTryEnter = Real<Func<object, int, bool>>("TryEnter", typeof(object), typeof(int));

    [ThreadStatic]
    private static Worker? t_worker;

    private readonly Dictionary<object, (Worker Owner, int Depth)> _locks = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, bool> _isChosen = new(ReferenceEqualityComparer.Instance as IEqualityComparer<string>);
    private readonly SemaphoreSlim _over = new(0);
    private readonly List<Worker> _candidates = [];
    private IReadOnlyList<Worker> _workers = [];
    private int _steps;
    private int _inVain;
    private int _unfinished;
    private long _time;

    /// <summary>What went wrong; null if nothing did.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>What the threads did, point by point, where that is wanted.</summary>
    public List<string> Trace { get; } = [];

    /// <summary>Points passed.</summary>
    public int Steps => _steps;

    /// <summary>The number of the current thread in its scenario; 0 for a thread that the scheduler does not know.</summary>
    public static int CurrentNumber => t_worker?.Number ?? 0;

    /// <summary>Milliseconds of the scenario. Where it says so, time may jump whenever a thread looks.</summary>
    public static long Time
    {
        get
        {
            if (t_worker is not { } worker)
                return 0;
            Scheduler own = worker.Scheduler!;
            if (own.clockMayJump && own.chooser.Choose(2, isPreemption: true) == 1)
            {
                own._time += TimeThatPasses;
                own.Note(worker, "time passes", "", 0);
            }
            return own._time;
        }
    }

    private bool clockMayJump { get; } = clockMayJump;

    private Chooser chooser { get; } = chooser;

    /// <summary>Runs a scenario's threads until all have ended or one has failed; false if its threads are to be abandoned.</summary>
    public bool Run(IReadOnlyList<Worker> workers, Action[] bodies)
    {
        _workers = workers;
        _unfinished = bodies.Length;
        for (int i = 0; i < bodies.Length; i++)
            workers[i].Begin(this, bodies[i]);
        Pick(current: null)!.Wake();
        if (!_over.Wait(TimeSpan.FromMinutes(1)))
            Failure ??= new TimeoutException("A thread waits for something that the scheduler does not know.");
        return Failure is null;
    }

    /// <summary>A point before a read.</summary>
    public static void BeforeRead(string what, string file, int line) => t_worker?.Scheduler!.Point(t_worker, what, file, line);

    /// <summary>A point before a write, which lets threads that spin try again.</summary>
    public static void BeforeWrite(string what, string file, int line)
    {
        if (t_worker is not { } worker)
            return;
        worker.Scheduler!.Point(worker, what, file, line);
        worker.Scheduler.Wrote(worker);
    }

    /// <summary>A point of a scenario's own, between two plain accesses to memory that its threads share.</summary>
    public static void Step([CallerLineNumber] int line = 0)
    {
        if (t_worker is not { } worker)
            return;
        worker.Scheduler!.Switch(worker, "step", "scenario", line);
        worker.Scheduler.Wrote(worker);
    }

    public static void Spin(string file, int line)
    {
        if (t_worker is not { } worker)
        {
            System.Threading.Thread.Yield();
            return;
        }
        worker.State = WorkerState.Spinning;
        worker.Behind = 0;
        foreach (Worker other in worker.Scheduler!._workers)
            worker.Behind |= other != worker && worker.Scheduler.CanRun(other) ? 1u << other.Number : 0;
        worker.Scheduler.Switch(worker, "spins", file, line);
    }

    public static void PassTime(int milliseconds)
    {
        if (t_worker is { } worker)
            worker.Scheduler!._time += milliseconds;
    }

    public static void Enter(object key)
    {
        if (t_worker is not { } worker)
        {
            RealEnter(key);
            return;
        }
        Scheduler own = worker.Scheduler!;
        own.Switch(worker, "lock", "", 0);
        own.Acquire(worker, key, depth: 1);
    }

    public static bool TryEnter(object key, int milliseconds)
    {
        if (t_worker is not { } worker)
            return RealTryEnter(key, milliseconds);
        worker.Scheduler!.Switch(worker, "try lock", "", 0);
        return worker.Scheduler.TryAcquire(worker, key, depth: 1);
    }

    public static void Exit(object key)
    {
        if (t_worker is not { } worker)
        {
            RealExit(key);
            return;
        }
        Scheduler own = worker.Scheduler!;
        (Worker owner, int depth) = own._locks[key];
        if (owner != worker)
            throw new SynchronizationLockException();
        if (depth > 1)
            own._locks[key] = (owner, depth - 1);
        else
            own._locks.Remove(key);
        own.Wrote(worker);
    }

    public static bool Holds(object key) =>
        t_worker is { } worker && worker.Scheduler!._locks.TryGetValue(key, out var held) && held.Owner == worker;

    public static bool Wait(object key, bool isTimed)
    {
        Worker worker = t_worker ?? throw new InvalidOperationException("Only threads of a scenario wait for a pulse.");
        Scheduler own = worker.Scheduler!;
        (_, int depth) = own._locks[key];
        own._locks.Remove(key);
        own.Wrote(worker);
        worker.State = isTimed ? WorkerState.WaitingForATime : WorkerState.Waiting;
        worker.Key = key;
        worker.HasTimedOut = false;
        own.Switch(worker, "waits", "", 0);
        own.Acquire(worker, key, depth);
        return !worker.HasTimedOut;
    }

    public static void PulseAll(object key)
    {
        foreach (Worker waiting in t_worker?.Scheduler!._workers ?? [])
        {
            if (waiting.State is WorkerState.Waiting or WorkerState.WaitingForATime && waiting.Key == key)
                waiting.State = WorkerState.Blocked;
        }
        if (t_worker is { } worker)
            worker.Scheduler!.Wrote(worker);
    }

    /// <summary>The body of a thread of the system that has become a scenario's.</summary>
    public void Work(Worker worker, Action body)
    {
        t_worker = worker;
        try
        {
            body();
        }
        catch (Exception failure)
        {
            Fail(failure);
            return;
        }
        finally
        {
            t_worker = null;
        }
        worker.State = WorkerState.Finished;
        Note(worker, "ends", "", 0);
        Wrote(worker);
        if (--_unfinished == 0)
            _over.Release();
        else if (Pick(worker) is { } next)
            next.Wake();
        else
            Fail(Deadlock());
    }

    private void Point(Worker worker, string what, string file, int line)
    {
        if (files is not null)
        {
            if (!_isChosen.TryGetValue(file, out bool isChosen))
                _isChosen[file] = isChosen = files.Contains(Path.GetFileName(file));
            if (!isChosen)
                return;
        }
        int times = worker.LastPoint.Line == line && worker.LastPoint.File == file ? worker.LastPoint.Times : 0;
        if (times < MaxPointsOfALine)
            Switch(worker, what, file, line);
        worker.LastPoint = (file, line, times + 1);
    }

    /// <summary>Lets the chooser say who goes on, and returns when this thread does.</summary>
    private void Switch(Worker worker, string what, string file, int line)
    {
        Note(worker, what, file, line);
        worker.LastPoint = default;
        Worker? next = ++_steps > MaxSteps ? null : Pick(worker);
        if (next == worker)
            return;
        if (next is null)
            Fail(_steps > MaxSteps ? new InvalidOperationException($"The threads go on after {MaxSteps} points.") : Deadlock());
        else
            next.Wake();
        // For ever, where the run has failed.
        worker.AwaitTurn();
    }

    private Worker? Pick(Worker? current)
    {
        for (int turns = 0; ; turns++)
        {
            _candidates.Clear();
            uint running = 0;
            foreach (Worker worker in _workers)
                running |= CanRun(worker) ? 1u << worker.Number : 0;
            for (int i = 0; i < _workers.Count; i++)
            {
                // The current thread first, then the others in turn.
                Worker candidate = _workers[((current?.Number ?? 0) + i) % _workers.Count];
                if ((running >> candidate.Number & 1) != 0 && (candidate.Behind & running) == 0)
                    _candidates.Add(candidate);
            }
            if (_candidates.Count > 0)
                return Choose(current);
            if (++_inVain > MaxTurnsInVain || !TryGoOn(mayPassTime: turns > 0 || _inVain > 2))
                return null;
        }
    }

    private Worker Choose(Worker? current)
    {
        int chosen = _candidates.Count == 1 ? 0 : chooser.Choose(_candidates.Count, isPreemption: _candidates[0] == current);
        Worker next = _candidates[chosen];
        foreach (Worker worker in _workers)
            worker.Behind &= ~(1u << next.Number);
        return next;
    }

    private bool CanRun(Worker worker) => worker.State switch
    {
        WorkerState.Ready => true,
        WorkerState.Blocked => !_locks.ContainsKey(worker.Key!),
        _ => false,
    };

    /// <summary>Lets those try again that spin, and where that has been in vain those whose time has come.</summary>
    private bool TryGoOn(bool mayPassTime)
    {
        bool any = false;
        foreach (Worker worker in _workers)
        {
            if (worker.State == WorkerState.Spinning)
            {
                worker.State = WorkerState.Ready;
                any = true;
            }
            else if (worker.State == WorkerState.WaitingForATime && mayPassTime)
            {
                worker.State = WorkerState.Blocked;
                worker.HasTimedOut = true;
                any = true;
            }
        }
        if (mayPassTime)
            _time += TimeThatPasses;
        return any || !mayPassTime;
    }

    private void Wrote(Worker writer)
    {
        _inVain = 0;
        foreach (Worker worker in _workers)
        {
            if (worker != writer && worker.State == WorkerState.Spinning)
                worker.State = WorkerState.Ready;
        }
    }

    private void Acquire(Worker worker, object key, int depth)
    {
        while (!TryAcquire(worker, key, depth))
        {
            worker.State = WorkerState.Blocked;
            worker.Key = key;
            Switch(worker, "blocks", "", 0);
        }
        worker.State = WorkerState.Ready;
    }

    private bool TryAcquire(Worker worker, object key, int depth)
    {
        if (!_locks.TryGetValue(key, out (Worker Owner, int Depth) held))
            _locks[key] = (worker, depth);
        else if (held.Owner == worker)
            _locks[key] = (worker, held.Depth + depth);
        else
            return false;
        return true;
    }

    private InvalidOperationException Deadlock() =>
        new($"No thread can go on: {string.Join(", ", _workers.Select(worker => $"thread {worker.Number} is {worker.State}"))}.");

    private void Fail(Exception failure)
    {
        Failure = failure;
        _over.Release();
    }

    private void Note(Worker worker, string what, string file, int line)
    {
        if (isTraced)
            Trace.Add($"thread {worker.Number} {what}{(file.Length == 0 ? "" : $" {Path.GetFileName(file)}:{line}")}");
    }

    private static TDelegate Real<TDelegate>(string method, params Type[] parameters)
        where TDelegate : Delegate =>
        typeof(object).Assembly.GetType("System.Threading.Monitor")!.GetMethod(method, parameters)!.CreateDelegate<TDelegate>();
}
