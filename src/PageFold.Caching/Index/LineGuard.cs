using System.Runtime.InteropServices;

namespace PageFold.Caching.Index;

/// <summary>
/// Tells when no thread can still be about to lock a line that it found before the table shrank, so that the line's memory can go.
/// </summary>
/// <remarks>
/// <para>
/// A thread marks itself as inside before it reads the number of buckets and until it holds the lock of a bucket that it found valid. The
/// mark is a plain store in a record of the thread: the price of ordering it is paid by the thread that gives memory back, with a barrier
/// of all processors (Dice et al., "Asymmetric Dekker synchronization", 2001). After that barrier, each thread either is seen inside or
/// reads the new number of buckets, and then it does not go near the lines above.
/// </para>
/// <para>Threads are not inside twice. The record goes with its thread.</para>
/// </remarks>
internal static class LineGuard
{
    private const int Patience = 20;

    private static readonly Lock RecordsLock = new();
    private static readonly List<WeakReference<Record>> Records = [];

    [ThreadStatic]
    private static Record? _ofThisThread;

    public static Record Enter()
    {
        Record record = _ofThisThread ?? Register();
        Volatile.Write(ref record.Inside, 1);
        return record;
    }

    public static void Exit(Record record) => Volatile.Write(ref record.Inside, 0);

    /// <summary>
    /// True if each thread was outside at some time since the call. Does not wait for a thread that stays inside.
    /// </summary>
    public static bool HaveAllBeenOutside()
    {
        Interlocked.MemoryBarrierProcessWide();
        lock (RecordsLock)
        {
            foreach (WeakReference<Record> reference in Records)
            {
                if (reference.TryGetTarget(out Record? record) && !HasBeenOutside(record))
                    return false;
            }
        }
        return true;
    }

    private static bool HasBeenOutside(Record record)
    {
        SpinWait spin = default;
        while (Volatile.Read(ref record.Inside) != 0)
        {
            if (spin.Count >= Patience)
                return false;
            spin.SpinOnce(sleep1Threshold: -1);
        }
        return true;
    }

    private static Record Register()
    {
        Record record = new();
        lock (RecordsLock)
        {
            Records.RemoveAll(reference => !reference.TryGetTarget(out _));
            Records.Add(new WeakReference<Record>(record));
        }
        _ofThisThread = record;
        return record;
    }

    /// <summary>The mark of a thread, on a cache line of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    internal sealed class Record
    {
        [FieldOffset(64)]
        public int Inside;
    }
}
