using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Store;

/// <summary>
/// What one thread at a time needs to store or load a page: room for a private copy of the page, room for its compressed form, and a codec context.
/// </summary>
internal sealed unsafe class Workbench(MemoryBudget budget, PageCodec codec, int pageSize, int packedSize)
{
    private long BufferBytes => pageSize + packedSize;

    private NativeBuffer _buffer;
    private long _contextBytes;
    private Padding _busy;

    /// <summary>A private copy of the page that is being stored; what the caller does to its buffer meanwhile no longer matters.</summary>
    public byte* Page => _buffer.Pointer;

    /// <summary>The compressed form, or a straddling object made contiguous.</summary>
    public byte* Packed => _buffer.Pointer + pageSize;

    public Span<byte> PageSpan => new(Page, pageSize);

    public Span<byte> PackedSpan => new(Packed, packedSize);

    public PageCodecContext Context { get; private set; } = null!;

    public bool IsReady => Context is not null;

    /// <summary>Bytes that the context was charged with.</summary>
    public long ContextBytes => _contextBytes;

    public bool TryTake() => Volatile.Read(ref _busy.Value) == 0 && Interlocked.Exchange(ref _busy.Value, 1) == 0;

    public void Return() => Volatile.Write(ref _busy.Value, 0);

    /// <summary>Makes the buffers and the context; false when there is no memory for them.</summary>
    /// <param name="contextBytes">What a context is known to take, charged before it is made; zero if none was made yet.</param>
    public bool TryPrepare(long contextBytes)
    {
        if (budget.Available < BufferBytes + contextBytes || !NativeBuffer.TryAllocate(budget, BufferBytes, out NativeBuffer buffer))
            return false;
        PageCodecContext? context = null;
        bool ready = false;
        long charged = 0;
        try
        {
            if (budget.TryCharge(contextBytes))
            {
                charged = contextBytes;
                context = codec.CreateContext(pageSize);
                ready = context.Bytes <= charged || budget.TryCharge(context.Bytes - charged);
                if (ready)
                    charged = Math.Max(charged, context.Bytes);
            }
        }
        catch (OutOfMemoryException)
        {
            // Reported like a limit that is reached.
        }
        finally
        {
            if (!ready)
            {
                context?.Dispose();
                budget.Release(charged);
                buffer.Free(budget);
            }
        }
        if (!ready)
            return false;
        _buffer = buffer;
        _contextBytes = charged;
        Context = context!;
        return true;
    }

    public void Free()
    {
        Context?.Dispose();
        budget.Release(_contextBytes);
        _buffer.Free(budget);
    }

    /// <summary>The flag on a line of its own, since every operation of a processor touches it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Padding
    {
        [FieldOffset(64)]
        public int Value;
    }
}

/// <summary>
/// A store's workbenches, up to two a processor, made when all others are taken and checked out exclusively: a thread begins to look at its processor's, but may be moved
/// to another processor while it holds one. When all are taken, or the limit allows no more, a thread waits for one to come back.
/// </summary>
internal sealed class Workbenches
{
    private readonly Workbench[] _benches;

    public Workbenches(MemoryBudget budget, PageCodec codec, int pageSize)
    {
        int packedSize = Math.Max(pageSize, codec.MaxCompressedLength(pageSize));
        _benches = new Workbench[2 * Stripes.Count];
        for (int i = 0; i < _benches.Length; i++)
            _benches[i] = new Workbench(budget, codec, pageSize, packedSize);
    }

    /// <summary>Prepares one workbench, so that there always is one; false when there is no memory for it.</summary>
    public bool TryPrepareFirst() => _benches[0].TryPrepare(contextBytes: 0);

    public Workbench Take(int stripe)
    {
        SpinWait spin = default;
        while (true)
        {
            // One that is there already before one that would have to be made.
            if (TryTake(stripe, prepare: false) is { } ready)
                return ready;
            if (TryTake(stripe, prepare: true) is { } made)
                return made;
            spin.SpinOnce();
        }
    }

    private Workbench? TryTake(int stripe, bool prepare)
    {
        for (int i = 0; i < _benches.Length; i++)
        {
            Workbench bench = _benches[stripe + i & _benches.Length - 1];
            if (!prepare && !bench.IsReady || !bench.TryTake())
                continue;
            bool ready = bench.IsReady;
            try
            {
                ready = ready || prepare && bench.TryPrepare(_benches[0].ContextBytes);
            }
            finally
            {
                if (!ready)
                    bench.Return();
            }
            if (ready)
                return bench;
        }
        return null;
    }

    public void Free()
    {
        foreach (Workbench bench in _benches)
            bench.Free();
    }
}
