using PageFold.Compression;
using PageFold.Frames;

namespace PageFold.Store.Codecs;

/// <summary>
/// A store's codec streams, up to two a processor. A stream is made when all others are taken, and is checked out exclusively: a thread
/// begins its search at its processor's, but may be moved to another processor while it holds one. When all are taken, and another would
/// take more than half of the memory that is left, a thread waits for one to come back.
/// </summary>
/// <remarks>
/// The number of processors is rounded up to a power of two, at most 64 (<see cref="Stripes.Count"/>).
/// Every stream that is ready has a context for each codec, so reading a page never needs memory, whatever codec it was stored with. A
/// stream becomes ready under the codecs' lock, and all but the first may be freed under it. Under the same lock, adding a codec makes a
/// context for each ready stream, and puts it in while it holds that stream.
/// </remarks>
internal sealed class CodecStreams
{
    // Room that the library's own codecs never exceed. A page that another codec expands beyond it is incompressible anyway.
    private const int SlackShift = 5;
    private const int MinSlack = 128;

    private readonly MemoryBudget _budget;
    private readonly CodecTable _codecs;
    private readonly int _pageSize;
    private readonly CodecStream[] _streams;

    public CodecStreams(MemoryBudget budget, CodecTable codecs, PageCodec first, int pageSize)
    {
        _budget = budget;
        _codecs = codecs;
        _pageSize = pageSize;
        int claimed = (int)CodecThrow.IfClaimInvalid(first.MaxCompressedLength(pageSize), first, nameof(PageCodec.MaxCompressedLength));
        int packedSize = Math.Max(pageSize + Math.Max(MinSlack, pageSize >> SlackShift), claimed);
        BufferBytes = (long)pageSize + packedSize;
        _streams = new CodecStream[2 * Stripes.Count];
        for (int i = 0; i < _streams.Length; i++)
            _streams[i] = new CodecStream(budget, codecs, pageSize, packedSize);
    }

    /// <summary>Bytes of a stream without its contexts.</summary>
    public long BufferBytes { get; }

    /// <summary>
    /// Refuses a call that a codec makes to its own store while it compresses, decompresses or makes a context: it would wait for what
    /// its own thread holds.
    /// </summary>
    /// <exception cref="InvalidOperationException">The current thread holds a stream of this store.</exception>
    public void RefuseReentry()
    {
        if (!CodecStream.ThreadHoldsAny)
            return;
        foreach (CodecStream stream in _streams)
            CodecsThrow.IfCodecCallsItsStore(stream.IsHeldByThread);
    }

    /// <summary>Prepares one stream, so that there always is one; false when there is no memory for it.</summary>
    /// <param name="contextBytes">Bytes that the codec's context takes, or would take.</param>
    public bool TryPrepareFirst(out long contextBytes)
    {
        lock (_codecs.Changes)
        {
            bool prepared = _streams[0].TryPrepare(mayTakeAll: true);
            contextBytes = _codecs.ContextBytes(0);
            return prepared;
        }
    }

    /// <summary>
    /// Takes a stream that is ready, and waits while there is none. More cannot be made at the limit, or where a codec throws.
    /// </summary>
    /// <exception cref="InvalidOperationException">A codec calls its own store.</exception>
    public CodecStream Take(int stripe)
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

    /// <summary>
    /// Waits until every operation that holds a stream now has returned it. The caller has the codecs' lock and holds neither a stream nor
    /// a slot.
    /// </summary>
    public void AwaitAll()
    {
        foreach (CodecStream stream in _streams)
        {
            if (!stream.IsReady)
                continue;
            Await(stream);
            stream.Dispose();
        }
    }

    /// <summary>
    /// Gives every ready stream a context of a codec, in place of what it had under that number; false when there is no memory for them,
    /// and then nothing has changed. The caller has the codecs' lock and holds neither a stream nor a slot.
    /// </summary>
    /// <param name="number">The number.</param>
    /// <param name="codec">The codec.</param>
    /// <param name="contextBytes">What a context takes.</param>
    /// <param name="tryCharge">Charges what the contexts share, now that they are made; false when there is no memory for it.</param>
    public bool TryInstall(int number, PageCodec codec, ref long contextBytes, Func<bool> tryCharge)
    {
        ChargedContext[] made = new ChargedContext[_streams.Length];
        bool complete = false;
        try
        {
            complete = TryMakeContexts(codec, made, ref contextBytes) && tryCharge();
        }
        finally
        {
            if (!complete)
                FreeAll(made);
        }
        if (!complete)
            return false;
        for (int i = 0; i < _streams.Length; i++)
        {
            CodecStream stream = _streams[i];
            if (!stream.IsReady)
                continue;
            Await(stream);
            made[i] = stream.Exchange(number, made[i]);
            stream.Dispose();
        }
        FreeAll(made);
        return true;
    }

    /// <summary>
    /// Takes a codec's contexts away. The caller has the codecs' lock and holds neither a stream nor a slot; nothing is stored with the
    /// codec.
    /// </summary>
    public void Uninstall(int number)
    {
        foreach (CodecStream stream in _streams)
        {
            if (!stream.IsReady)
                continue;
            Await(stream);
            ChargedContext old = stream.Exchange(number, default);
            stream.Dispose();
            old.Free(_budget);
        }
    }

    /// <summary>
    /// Frees all streams but the first that no thread uses now. The caller holds neither the codecs' lock, nor a stream, nor a slot.
    /// </summary>
    public void Trim()
    {
        lock (_codecs.Changes)
        {
            foreach (CodecStream stream in _streams.AsSpan(1))
            {
                if (!stream.IsReady || !stream.TryTake())
                    continue;
                stream.Trim();
                stream.Dispose();
            }
        }
    }

    public void Free()
    {
        foreach (CodecStream stream in _streams)
            stream.Free();
    }

    private bool TryMakeContexts(PageCodec codec, ChargedContext[] made, ref long contextBytes)
    {
        for (int i = 0; i < _streams.Length; i++)
        {
            if (_streams[i].IsReady && !ChargedContext.TryMake(_budget, codec, _pageSize, ref contextBytes, out made[i]))
                return false;
        }
        return true;
    }

    private void FreeAll(ChargedContext[] contexts)
    {
        foreach (ChargedContext context in contexts)
            context.Free(_budget);
    }

    private static void Await(CodecStream stream)
    {
        SpinWait spin = default;
        while (!stream.TryTake())
            spin.SpinOnce(sleep1Threshold: -1);
    }

    private CodecStream? TryTake(int stripe, bool prepare)
    {
        for (int i = 0; i < _streams.Length; i++)
        {
            CodecStream stream = _streams[stripe + i & _streams.Length - 1];
            if (!prepare && !stream.IsReady || !stream.TryTake())
                continue;
            bool ready = stream.IsReady;
            try
            {
                ready = ready || prepare && TryPrepare(stream);
            }
            finally
            {
                if (!ready)
                    stream.Dispose();
            }
            if (ready)
                return stream;
        }
        return null;
    }

    private bool TryPrepare(CodecStream stream)
    {
        // The thread that has the lock may wait for a ready stream, which this thread does not hold. Still this thread tries the next one
        // instead of waiting.
        if (!_codecs.Changes.TryEnter())
            return false;
        try
        {
            return stream.TryPrepare(mayTakeAll: false);
        }
        // A codec that fails to make one more context does not fail the page that is read or written: another stream is ready.
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
