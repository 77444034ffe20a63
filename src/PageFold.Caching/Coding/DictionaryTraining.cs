using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Coding;

/// <summary>Trains tables on sampled values in the background, and trains again when they gain less than they did.</summary>
/// <remarks>
/// <para>
/// At first samples are collected. When there are enough, a thread of the pool trains, and publishes the tables if they gain anything.
/// In a full cache entries are evicted for the memory of samples first. After a training only the ratio of sampled values is watched. When
/// it has dropped by a part (12 %, as in "MC/DC", where dictionaries of a memory cache are replaced in the same way) against the first
/// window after the training, samples are collected anew: they are values of the kind that the tables no longer fit.
/// </para>
/// <para>Thread-safe. A sample is left out where another thread is adding one.</para>
/// </remarks>
internal sealed class DictionaryTraining : IThreadPoolWorkItem, IDisposable
{
    // Other threads may take the room that was made.
    private const int MaxAttempts = 4;

    // Milliseconds that a version without entries may take to be given back.
    private const int RoomTries = 1000;

    private readonly ValueCoding _coding;
    private readonly ValueCodingOptions _options;
    private readonly object _gate = new();
    private readonly SampleReservoir _reservoir;
    private readonly GainWindow _window;
    private readonly CancellationTokenSource _end = new();
    private bool _isCollecting = true;
    private long _trainings;
    private bool _isRunning;
    private bool _isDisposed;
    private TimeSpan _interval;
    private long? _lastTime;

    public DictionaryTraining(ValueCoding coding)
    {
        (_coding, _options) = (coding, coding.Options);
        _reservoir = new SampleReservoir(coding.Memory, Math.Max(_options.ReservoirBytes, 2 * SampleReservoir.MaxSample));
        _window = new GainWindow(_options.Window);
        _interval = _options.MinInterval;
    }

    /// <summary>Trainings that have ended, whatever came of them.</summary>
    /// <remarks>Under the lock: a caller that sees a training end finds its values observed from then on.</remarks>
    public long Trainings
    {
        get
        {
            lock (_gate)
                return _trainings;
        }
    }

    /// <summary>What the last training found; null if none has ended, or the last one failed.</summary>
    public FoldTraining? LastResult { get; private set; }

    /// <summary>Why the last training failed; null if it did not.</summary>
    public Exception? LastFailure { get; private set; }

    /// <summary>The ratio of sampled values to what is stored of them, over the last window; null before the first is full.</summary>
    public double? Ratio
    {
        get
        {
            lock (_gate)
                return _window.Last;
        }
    }

    /// <summary>Takes a value that was encoded as a sample.</summary>
    /// <param name="value">The value.</param>
    /// <param name="version">The version that it was encoded with.</param>
    /// <param name="stored">Bytes that are stored of it.</param>
    public void Observe(ReadOnlySpan<byte> value, CodecVersion version, int stored)
    {
        if (!Monitor.TryEnter(_gate))
            return;
        try
        {
            if (_isRunning || _isDisposed)
                return;
            if (version == _coding.Versions.Current)
                _window.Add(value.Length, stored);
            if (!_isCollecting)
                _isCollecting = IsTime() && (version == _coding.Versions.BuiltIn || HasDropped());
            if (!_isCollecting)
                return;
            // A full cache has no memory for samples before entries are evicted for them, which would be long for the caller.
            if (_reservoir.TryReserve())
            {
                _reservoir.Add(value);
                bool isEnough = _reservoir.Count >= _options.EnoughSamples && _reservoir.Bytes >= _options.EnoughBytes;
                if (!isEnough && !_reservoir.IsFull)
                    return;
            }
            else if (_options.MakeRoom is null)
            {
                return;
            }
            _isRunning = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        finally
        {
            Monitor.Exit(_gate);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "A failure in the background must not end the process; it is kept to be shown.")]
    void IThreadPoolWorkItem.Execute()
    {
        if (!_reservoir.IsThere)
        {
            Prepare();
            return;
        }
        FoldTraining? result = null;
        Exception? failure = null;
        bool isPublished = false;
        try
        {
            if (!_end.IsCancellationRequested)
                isPublished = Train(out result);
        }
        catch (Exception e)
        {
            failure = e;
        }
        lock (_gate)
        {
            _reservoir.Clear();
            _isCollecting = false;
            _lastTime = _options.Time.GetTimestamp();
            _interval = isPublished ? _options.MinInterval : Doubled(_interval);
            _window.Clear();
            (LastResult, LastFailure) = (result, failure);
            _trainings++;
            _isRunning = false;
            Monitor.PulseAll(_gate);
        }
        TellOfEnd();
    }

    /// <summary>Cancels a training and waits for its end, which takes milliseconds. Gives the samples' memory back.</summary>
    public void Dispose()
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = !_isDisposed;
            _isDisposed = true;
        }
        if (isFirst)
            _end.Cancel();
        lock (_gate)
        {
            // A second call waits too: what the training uses goes afterwards.
            while (_isRunning)
                Monitor.Wait(_gate);
            _reservoir.Clear();
        }
        if (isFirst)
            _end.Dispose();
    }

    /// <summary>Evicts entries for the memory of samples; where that fails, there are none for a while.</summary>
    /// <remarks>While it runs no sample is added, so the reservoir is this thread's.</remarks>
    [SuppressMessage("Design", "CA1031", Justification = "A failure in the background must not end the process; it is kept to be shown.")]
    private void Prepare()
    {
        Exception? failure = null;
        try
        {
            for (int attempt = 0; attempt < MaxAttempts && !_end.IsCancellationRequested && !_reservoir.TryReserve(); attempt++)
            {
                if (!_options.MakeRoom!(_reservoir.BlockBytes))
                    break;
            }
        }
        catch (Exception e)
        {
            failure = e;
        }
        lock (_gate)
        {
            if (!_reservoir.IsThere)
            {
                _isCollecting = false;
                _lastTime = _options.Time.GetTimestamp();
                _interval = Doubled(_interval);
                LastFailure = failure;
            }
            _isRunning = false;
            Monitor.PulseAll(_gate);
        }
        TellOfEnd();
    }

    private TimeSpan Doubled(TimeSpan interval)
    {
        TimeSpan doubled = 2 * interval;
        return doubled < _options.MaxInterval ? doubled : _options.MaxInterval;
    }

    /// <summary>Tells that the training has ended, when a call may dispose it.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "A failure in the background must not end the process; it is kept to be shown.")]
    private void TellOfEnd()
    {
        try
        {
            _options.Ended?.Invoke();
        }
        catch (Exception e)
        {
            lock (_gate)
                LastFailure = e;
        }
    }

    private bool IsTime() => _lastTime is not { } last || _options.Time.GetElapsedTime(last) >= _interval;

    private bool HasDropped() => _window is { First: { } first, Last: { } last } && last < first * (1 - _options.Drop);

    /// <summary>Charges the training's memory, for which entries are evicted if the cache is full; false if it would be too many.</summary>
    private bool TryCharge(long bytes)
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (_coding.Memory.TryCharge(bytes))
                return true;
            if (_options.MakeRoom?.Invoke(bytes) != true)
                return false;
        }
        return false;
    }

    /// <summary>Trains, and publishes the tables; false if there is no room for them, or they gain nothing.</summary>
    /// <remarks>While it runs no sample is added, so the reservoir is this thread's.</remarks>
    private bool Train(out FoldTraining? result)
    {
        result = null;
        CodecVersions versions = _coding.Versions;
        if (!MakeRoom(versions))
            return false;
        CodecVersion current = versions.Current;
        FoldTrainingOptions options = new()
        {
            Level = _options.Level,
            DictionaryBytes = _options.DictionaryBytes,
            SampleBytes = SampleReservoir.MaxSample,
            InUse = current == versions.BuiltIn ? null : current.Codec,
        };
        int count = _reservoir.Count;
        long needed = options.MemoryNeeded(_reservoir.Lengths);
        while (!TryCharge(needed))
        {
            // With fewer samples the tables gain a little less.
            count /= 2;
            if (count < FoldTraining.MinSamples)
                return false;
            needed = options.MemoryNeeded(_reservoir.Lengths[..count]);
        }
        try
        {
            ReadOnlySpan<int> lengths = _reservoir.Lengths[..count];
            int bytes = 0;
            foreach (int length in lengths)
                bytes += length;
            result = PageCodec.TrainFold(_reservoir.Samples[..bytes], lengths, options, _end.Token);
            return !result.Tables.IsEmpty && _coding.TryPublish(result.Tables.Span, ref needed);
        }
        finally
        {
            _coding.Memory.Release(needed);
        }
    }

    /// <summary>Lets the cache retire the oldest version if there are too many; false if they are still too many after that.</summary>
    private bool MakeRoom(CodecVersions versions)
    {
        if (!versions.IsFull)
            return true;
        if (versions.Oldest is not { } oldest)
            return false;
        _options.Retire?.Invoke(oldest.Number);
        // Readers that hold coders keep it for microseconds, unless they are preempted.
        for (int i = 0; i < RoomTries && versions.IsFull && versions.Oldest?.References == 0; i++)
            _end.Token.WaitHandle.WaitOne(1);
        return !versions.IsFull;
    }
}
