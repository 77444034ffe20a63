using System.Threading.Tasks.Sources;

namespace PageFold.Nbd.Session;

/// <summary>
/// Lets one task at a time wait, without allocating, for somebody to say that things have changed. A signal that comes while nobody waits is kept for the next who does. Thread-safe.
/// </summary>
internal sealed class AsyncSignal : IValueTaskSource
{
    private readonly Lock _lock = new();
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private bool _waiting;
    private bool _kept;

    public ValueTask WaitAsync()
    {
        lock (_lock)
        {
            if (_kept)
            {
                _kept = false;
                return ValueTask.CompletedTask;
            }
            _waiting = true;
            _source.Reset();
            return new ValueTask(this, _source.Version);
        }
    }

    public void Set()
    {
        lock (_lock)
        {
            if (!_waiting)
            {
                _kept = true;
                return;
            }
            _waiting = false;
        }
        _source.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
