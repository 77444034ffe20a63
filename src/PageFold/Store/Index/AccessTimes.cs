using PageFold.Allocation;
using PageFold.Frames;

namespace PageFold.Store.Index;

/// <summary>
/// When each page was last accessed: two bytes a page beside the slots, in units of two seconds. The clock is a field that a timer advances
/// once a second, so that an access costs a look at it and a store where the item differs.
/// </summary>
/// <remarks>
/// <para>
/// An item is 1 to 65535 and comes round after 36 hours; zero says "unknown": never stored, or no memory for the item. Ages are told up to
/// 24 hours, and a sweep every 6 hours brings those that are older back to that, so that an item never comes round unseen.
/// </para>
/// <para>
/// Thread-safe. Items are set by those who hold the page's slot, so what was discarded leaves none behind. The sweep holds nothing and
/// gives way to them.
/// </para>
/// </remarks>
internal sealed unsafe class AccessTimes
{
    private const int SecondsPerUnit = 2;
    private const int Round = ushort.MaxValue;
    private const int Oldest = 24 * 3600 / SecondsPerUnit;
    private const int SweepEvery = 6 * 3600 / SecondsPerUnit;

    // An item that another thread has set since the clock was read looks as if it had come round.
    private const int NotYet = Round - 600;

    private readonly FrameTable<ushort> _items;
    private readonly RundownGate _gate;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Lock _ticking = new();
    private readonly Ticker _ticker;
    private long _units;
    private long _sweptAt;
    private int _now = 1;

    public AccessTimes(FrameArena arena, RundownGate gate, TimeProvider time)
    {
        _items = new FrameTable<ushort>(arena);
        _gate = gate;
        _time = time;
        _start = time.GetTimestamp();
        // A weak reference, so that the timer does not keep a forgotten store alive.
        _ticker = new Ticker(new WeakReference<AccessTimes>(this));
        TimeSpan second = TimeSpan.FromSeconds(1);
        _ticker.Timer = time.CreateTimer(static state => TickInBackground((Ticker)state!), _ticker, second, second);
    }

    /// <summary>The greatest age that is told.</summary>
    public static TimeSpan MaxAge => TimeSpan.FromSeconds(Oldest * SecondsPerUnit);

    /// <summary>Bytes of items and of the way to them.</summary>
    public long Bytes => _items.Bytes;

    /// <summary>Makes room for a page's item, if there is memory. The caller holds no slot.</summary>
    public void Ensure(uint page) => _ = _items.TryEnsure(page, out _);

    /// <summary>Notes an access now. The caller holds the page's slot, shared or alone.</summary>
    public void Touch(uint page)
    {
        ushort* item = _items.Find(page);
        ushort now = (ushort)Volatile.Read(ref _now);
        if (item is not null && *item != now)
            Volatile.Write(ref *item, now);
    }

    /// <summary>Forgets a page. The caller holds its slot alone.</summary>
    public void Forget(uint page)
    {
        ushort* item = _items.Find(page);
        if (item is not null && *item != 0)
            Volatile.Write(ref *item, 0);
    }

    /// <summary>How long ago a page was accessed; null where that is not known.</summary>
    public TimeSpan? Age(uint page)
    {
        ushort* item = _items.Find(page);
        // The item first: the clock then is at least as new.
        ushort then = item is null ? (ushort)0 : Volatile.Read(ref *item);
        if (then == 0)
            return null;
        int age = AgeOf(then, Volatile.Read(ref _now));
        return TimeSpan.FromSeconds(Math.Min(age >= NotYet ? 0 : age, Oldest) * SecondsPerUnit);
    }

    /// <summary>Gives back what holds nothing; no other thread uses an item meanwhile.</summary>
    public void Trim() => _items.TrimEmptyLeaves();

    /// <summary>Stops the clock; no thread uses an item any more.</summary>
    public void Free()
    {
        _ticker.Timer?.Dispose();
        _items.Free();
    }

    private static int AgeOf(int then, int now) => (now - then + Round) % Round;

    private static void TickInBackground(Ticker ticker)
    {
        if (!ticker.Clock.TryGetTarget(out AccessTimes? times))
        {
            ticker.Timer?.Dispose();
            return;
        }
        if (!times._gate.TryEnter(out RundownGate.Entry entry))
            return;
        using (entry)
        {
            lock (times._ticking)
                times.Tick();
        }
    }

    private void Tick()
    {
        long units = (long)_time.GetElapsedTime(_start).TotalSeconds / SecondsPerUnit;
        // However far the clock has jumped: no item may get older than a round without having been seen.
        while (units - _sweptAt >= SweepEvery)
        {
            _sweptAt += SweepEvery;
            Set(_sweptAt);
            Sweep();
        }
        Set(units);
    }

    private void Set(long units)
    {
        // A clock of the caller's may go back; ages do not become negative for that, they wait.
        if (units <= _units)
            return;
        _units = units;
        Volatile.Write(ref _now, 1 + (int)(units % Round));
    }

    private void Sweep()
    {
        int now = _now;
        ushort oldest = (ushort)(1 + (now - 1 - Oldest + Round) % Round);
        long from = 0;
        while (from <= uint.MaxValue && _items.NextExisting((uint)from) is { } number)
        {
            ushort* item = _items.Find(number);
            from = (number | _items.LeafLength - 1) + 1L;
            for (long left = from - number; left > 0; left--, item++)
            {
                ushort then = *item;
                int age = AgeOf(then, now);
                if (then != 0 && age > Oldest && age < NotYet)
                    Interlocked.CompareExchange(ref *item, oldest, then);
            }
        }
    }

    private sealed class Ticker(WeakReference<AccessTimes> clock)
    {
        public WeakReference<AccessTimes> Clock => clock;

        public ITimer? Timer { get; set; }
    }
}
