using PageFold.Frames;

namespace PageFold.Store;

/// <summary>
/// A store's workbenches, up to two a processor, made when all others are taken and checked out exclusively: a thread begins to look at its processor's, but may be moved
/// to another processor while it holds one. When all are taken, or the limit allows no more, a thread waits for one to come back.
/// </summary>
/// <remarks>
/// Every workbench that is ready has a context for each codec, so that reading a page never needs memory, whatever codec it was stored with. A workbench becomes ready under the codecs'
/// lock; who adds a codec, under the same lock, makes a context for each that is ready and puts it in when it has the workbench alone.
/// </remarks>
internal sealed class Workbenches
{
    // Room that the codecs which come with the library never exceed; a page that another codec lets grow beyond is incompressible anyway.
    private const int SlackShift = 5;
    private const int LeastSlack = 128;

    private readonly MemoryBudget _budget;
    private readonly CodecTable _codecs;
    private readonly int _pageSize;
    private readonly Workbench[] _benches;

    public Workbenches(MemoryBudget budget, CodecTable codecs, PageCodec first, int pageSize)
    {
        _budget = budget;
        _codecs = codecs;
        _pageSize = pageSize;
        int claimed = (int)Throw.IfClaimInvalid(first.MaxCompressedLength(pageSize), first, nameof(PageCodec.MaxCompressedLength));
        int packedSize = Math.Max(pageSize + Math.Max(LeastSlack, pageSize >> SlackShift), claimed);
        BufferBytes = (long)pageSize + packedSize;
        _benches = new Workbench[2 * Stripes.Count];
        for (int i = 0; i < _benches.Length; i++)
            _benches[i] = new Workbench(budget, codecs, pageSize, packedSize);
    }

    /// <summary>Bytes of a workbench without its contexts.</summary>
    public long BufferBytes { get; }

    /// <summary>
    /// Refuses a call that a codec makes to its own store while it compresses, decompresses or makes a context: it would wait for what
    /// its own thread holds.
    /// </summary>
    /// <exception cref="InvalidOperationException">The current thread holds a workbench.</exception>
    public void RefuseReentry()
    {
        if (!Workbench.ThreadHoldsAny)
            return;
        foreach (Workbench bench in _benches)
            Throw.IfCodecCallsItsStore(bench.IsHeldByThread);
    }

    /// <summary>Prepares one workbench, so that there always is one; false when there is no memory for it.</summary>
    /// <param name="contextBytes">Bytes that the codec's context takes, or would take.</param>
    public bool TryPrepareFirst(out long contextBytes)
    {
        lock (_codecs.Changes)
        {
            bool prepared = _benches[0].TryPrepare();
            contextBytes = _codecs.ContextBytes(0);
            return prepared;
        }
    }

    /// <summary>
    /// Takes a workbench that is ready; waits for one while there is none, whatever keeps more from being made: the limit, or an
    /// exception of a codec.
    /// </summary>
    /// <exception cref="InvalidOperationException">A codec calls its own store.</exception>
    public Workbench Take(int stripe)
    {
        RefuseReentry();
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

    /// <summary>Waits until everything that was begun with a workbench before has ended. The caller has the codecs' lock and holds neither a workbench nor a slot.</summary>
    public void AwaitAll()
    {
        foreach (Workbench bench in _benches)
        {
            if (!bench.IsReady)
                continue;
            Await(bench);
            bench.Return();
        }
    }

    /// <summary>
    /// Gives every workbench that is ready a context of a codec, in the place of what it had under that number; false when there is no memory for them, and then nothing has
    /// changed. The caller has the codecs' lock and holds neither a workbench nor a slot.
    /// </summary>
    /// <param name="number">The number.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="contextBytes">What a context takes.</param>
    /// <param name="trySettle">Charges what the contexts share, now that they are made; false when there is no memory for it.</param>
    public bool TryInstall(int number, PageCodec codec, ref long contextBytes, Func<bool> trySettle)
    {
        ChargedContext[] made = new ChargedContext[_benches.Length];
        bool complete = false;
        try
        {
            complete = TryMakeContexts(codec, made, ref contextBytes) && trySettle();
        }
        finally
        {
            if (!complete)
                FreeAll(made);
        }
        if (!complete)
            return false;
        for (int i = 0; i < _benches.Length; i++)
        {
            Workbench bench = _benches[i];
            if (!bench.IsReady)
                continue;
            Await(bench);
            made[i] = bench.Exchange(number, made[i]);
            bench.Return();
        }
        FreeAll(made);
        return true;
    }

    /// <summary>
    /// Takes a codec's contexts away. The caller has the codecs' lock and holds neither a workbench nor a slot; nothing is stored with
    /// the codec.
    /// </summary>
    public void Uninstall(int number)
    {
        foreach (Workbench bench in _benches)
        {
            if (!bench.IsReady)
                continue;
            Await(bench);
            ChargedContext old = bench.Exchange(number, default);
            bench.Return();
            old.Free(_budget);
        }
    }

    public void Free()
    {
        foreach (Workbench bench in _benches)
            bench.Free();
    }

    private bool TryMakeContexts(PageCodec codec, ChargedContext[] made, ref long contextBytes)
    {
        for (int i = 0; i < _benches.Length; i++)
        {
            if (_benches[i].IsReady && !ChargedContext.TryMake(_budget, codec, _pageSize, ref contextBytes, out made[i]))
                return false;
        }
        return true;
    }

    private void FreeAll(ChargedContext[] contexts)
    {
        foreach (ChargedContext context in contexts)
            context.Free(_budget);
    }

    private static void Await(Workbench bench)
    {
        SpinWait spin = default;
        while (!bench.TryTake())
            spin.SpinOnce(sleep1Threshold: -1);
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
                ready = ready || prepare && TryPrepare(bench);
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

    private bool TryPrepare(Workbench bench)
    {
        // Who has the lock may be waiting for a workbench that is ready: nothing that this thread holds. Still it looks on instead of waiting.
        if (!_codecs.Changes.TryEnter())
            return false;
        try
        {
            return bench.TryPrepare();
        }
        // What keeps a codec from making one more context is no fault of the page that is read or written: there is a workbench that is
        // ready.
#pragma warning disable CA1031
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
        finally
        {
            _codecs.Changes.Exit();
        }
    }
}
