using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Coding;

/// <summary>The compression of a cache's values: the coders, the tables in use, and their training in the background.</summary>
/// <remarks>
/// A thread takes a coder before it looks up an entry or encodes a value, and returns it when the bytes are decoded or stored. All memory
/// is charged. Thread-safe.
/// </remarks>
internal sealed class ValueCoding : IDisposable
{
    // A context has a copy of the dictionary and two bytes for each of its positions, rounded.
    private const int ContextBytesPerDictionaryByte = 3;
    private const int Rounding = 1 << 10;
    private const int Spins = 20;

    private readonly ValueCoder?[] _coders;
    private readonly object _gate = new();
    private int _waiting;

    private ValueCoding(CacheMemory memory, ValueCodingOptions options, CodecVersions versions, LargeContexts large)
    {
        (Memory, Options, Versions, Large) = (memory, options, versions, large);
        _coders = new ValueCoder?[Math.Max(1, options.MaxCoders)];
        Training = options.Trains ? new DictionaryTraining(this) : null;
    }

    /// <summary>What everything is charged to.</summary>
    public CacheMemory Memory { get; }

    /// <summary>How values are compressed.</summary>
    public ValueCodingOptions Options { get; }

    /// <summary>The tables in use.</summary>
    public CodecVersions Versions { get; }

    /// <summary>The training; null if there is none.</summary>
    public DictionaryTraining? Training { get; }

    /// <summary>The contexts for long values.</summary>
    public LargeContexts Large { get; }

    /// <summary>Makes it, with one coder; null when the limit is reached.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose frees both; before they are charged they hold nothing.")]
    public static ValueCoding? TryCreate(CacheMemory memory, ValueCodingOptions options)
    {
        CodecVersions versions = new(memory, options.Level, options.MaxVersions, options.MaxCoders);
        long largeBytes = versions.BuiltIn.LargeBytes + ContextBytesPerDictionaryByte * (long)options.DictionaryBytes + Rounding;
        if (LargeContexts.TryCreate(memory, largeBytes, Math.Max(1, options.MaxCoders)) is not { } large)
            return null;
        ValueCoding coding = new(memory, options, versions, large);
        if (coding.TryMakeCoder(0) is not { } first)
        {
            coding.Dispose();
            return null;
        }
        coding.Return(first);
        return coding;
    }

    /// <summary>Takes a coder. Waits while all are taken and no further one may be made.</summary>
    public ValueCoder Take()
    {
        SpinWait spin = default;
        while (spin.Count < Spins)
        {
            if (TryTake() is { } coder)
                return coder;
            spin.SpinOnce(sleep1Threshold: -1);
        }
        lock (_gate)
        {
            // Before it looks: a coder that is returned afterwards wakes it.
            Interlocked.Increment(ref _waiting);
            try
            {
                while (true)
                {
                    if (TryTake() is { } coder)
                        return coder;
                    Monitor.Wait(_gate);
                }
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
    }

    /// <summary>Returns a coder.</summary>
    public void Return(ValueCoder coder)
    {
        Free(coder);
        // After it is free: either this thread sees the versions that were given back, or the one that gave them back finds it free.
        SweepIfFree(coder);
        if (Versions.HasClosed)
            Reclaim();
    }

    /// <summary>Ends the reference of an entry that is freed, or of an encoded value that is not stored.</summary>
    public void Release(ValueForm form)
    {
        if (Versions.Release(form))
            Reclaim();
    }

    /// <summary>Makes tables the current ones; false if there are too many versions, or the limit is reached.</summary>
    public bool TryPublish(ReadOnlySpan<byte> tables)
    {
        long held = 0;
        return TryPublish(tables, ref held);
    }

    /// <inheritdoc cref="CodecVersions.TryPublish"/>
    public bool TryPublish(ReadOnlySpan<byte> tables, ref long held)
    {
        bool isPublished = Versions.TryPublish(tables, ref held);
        Reclaim();
        return isPublished;
    }

    /// <inheritdoc cref="CodecVersions.TryAdopt"/>
    public CodecVersion? TryAdopt(ReadOnlySpan<byte> tables, bool mayBeCurrent)
    {
        CodecVersion? version = Versions.TryAdopt(tables, mayBeCurrent);
        Reclaim();
        return version;
    }

    /// <summary>Gives back the contexts that are not in use, for a limit that is lower now. They come again if there is memory.</summary>
    public void Shrink()
    {
        Large.Shrink();
        foreach (ref ValueCoder? place in _coders.AsSpan())
        {
            if (Volatile.Read(ref place) is not { } coder || !TryTake(coder))
                continue;
            coder.Shrink();
            Free(coder);
        }
    }

    /// <summary>Ends the training and gives all memory back. No coder is taken, or will be.</summary>
    public void Dispose()
    {
        Training?.Dispose();
        foreach (ValueCoder? coder in _coders)
            coder?.Free();
        Array.Clear(_coders);
        Large.Dispose();
        Versions.Dispose();
    }

    private ValueCoder? TryTake()
    {
        int start = (int)((uint)Thread.GetCurrentProcessorId() % (uint)_coders.Length);
        for (int i = 0; i < _coders.Length; i++)
        {
            int place = start + i < _coders.Length ? start + i : start + i - _coders.Length;
            if (Volatile.Read(ref _coders[place]) is { } coder && TryTake(coder))
                return coder;
        }
        for (int place = 0; place < _coders.Length; place++)
        {
            if (Volatile.Read(ref _coders[place]) is null)
                return TryMakeCoder(place);
        }
        return null;
    }

    private bool TryTake(ValueCoder coder) =>
        Volatile.Read(ref coder.Taken) == 0 && Interlocked.CompareExchange(ref coder.Taken, Versions.Moment, 0) == 0;

    /// <summary>Makes a coder that is taken; null when the limit is reached, or another thread makes one at this place.</summary>
    private ValueCoder? TryMakeCoder(int place)
    {
        if (ValueCoder.TryCreate(this, (uint)(place + 1) * 0x9E3779B9) is not { } coder)
            return null;
        coder.Taken = Versions.Moment;
        if (Interlocked.CompareExchange(ref _coders[place], coder, null) is null)
            return coder;
        coder.Free();
        return null;
    }

    private void Free(ValueCoder coder)
    {
        Interlocked.Exchange(ref coder.Taken, 0);
        if (Volatile.Read(ref _waiting) == 0)
            return;
        lock (_gate)
            Monitor.Pulse(_gate);
    }

    /// <summary>Gives back the versions that no reader can need, and the contexts for them.</summary>
    private void Reclaim()
    {
        do
        {
            long oldest = long.MaxValue;
            foreach (ref ValueCoder? place in _coders.AsSpan())
            {
                long taken = Volatile.Read(ref place) is { } coder ? Volatile.Read(ref coder.Taken) : 0;
                if (taken != 0)
                    oldest = Math.Min(oldest, taken);
            }
            if (!Versions.Reclaim(oldest))
                return;
            Large.Sweep(Versions);
            foreach (ref ValueCoder? place in _coders.AsSpan())
            {
                if (Volatile.Read(ref place) is { } coder)
                    SweepIfFree(coder);
            }
        }
        // A coder that is swept looks taken to a thread that closes another version at this moment.
        while (Versions.HasClosed);
    }

    private void SweepIfFree(ValueCoder coder)
    {
        while (coder.Swept != Versions.Given && TryTake(coder))
        {
            coder.Sweep();
            Free(coder);
        }
    }
}
