namespace PageFold.Nbd.Tests;

/// <summary>A well-behaved client beside a hostile one: it verifies all that it reads, and has to make progress.</summary>
internal sealed class Neighbour : IDisposable
{
    private const int Region = 1 << 20;

    private readonly RawClient _client;
    private readonly Task _work;
    private volatile bool _done;
    private int _rounds;

    public Neighbour(Serving serving, string export)
    {
        _client = serving.Attach(export);
        _work = Content.OnItsOwnThread(Work);
    }

    /// <summary>Waits until it has done more, whatever goes on beside it.</summary>
    public void AssertWorks()
    {
        int before = Volatile.Read(ref _rounds);
        Serving.Until(() => _work.IsCompleted || Volatile.Read(ref _rounds) >= before + 3, "the neighbour's work");
        if (_work.IsCompleted)
            _work.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        AssertWorks();
        _done = true;
        _work.GetAwaiter().GetResult();
        _client.Disconnect();
        _client.Dispose();
    }

    private void Work()
    {
        Random random = new(1);
        while (!_done)
        {
            int length = random.Next(1, 50_000);
            int offset = random.Next(Region - length);
            byte[] content = Content.Compressible(length, (ulong)_rounds);
            _client.Write(offset, content);
            Content.AssertSame(content, _client.Read(offset, length), "the neighbour's content");
            _client.Trim(offset, (uint)length);
            Interlocked.Increment(ref _rounds);
        }
    }
}
