namespace PageFold.Cli.Bench.Alloc;

/// <summary>A <see cref="ZsPool"/>, used through its public API.</summary>
/// <param name="frameSize">Bytes in a frame, and the size of the largest object.</param>
/// <param name="handles">Room for the handle of each object.</param>
internal sealed class PoolAllocator(int frameSize, ZsHandle[] handles) : Allocator(PageFold)
{
    private readonly ZsPool _pool = new(new ZsPoolOptions { FrameSize = frameSize });

    public override long? AccountedBytes => _pool.GetStatistics().TotalBytes;

    public override void Fill(Batch batch, Contents contents)
    {
        for (int i = 0; i < batch.Count; i++)
            handles[batch.Places[i]] = _pool.Allocate(contents[batch.Numbers[i], batch.Sizes[i]]);
    }

    public override void Free(ReadOnlySpan<int> places)
    {
        foreach (int place in places)
            _pool.Free(handles[place]);
    }

    public override void Churn(Batch batch, bool zeroed)
    {
        // The pool's new objects are always zeros.
        for (int i = 0; i < batch.Count; i++)
        {
            ref ZsHandle handle = ref handles[batch.Places[i]];
            _pool.Free(handle);
            handle = _pool.Allocate(batch.Sizes[i]);
        }
    }

    public override void Churn(Batch batch, Contents contents)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            ref ZsHandle handle = ref handles[batch.Places[i]];
            _pool.Free(handle);
            handle = _pool.Allocate(contents[batch.Numbers[i], batch.Sizes[i]]);
        }
    }

    public override bool Holds(int place, ReadOnlySpan<byte> content)
    {
        using ZsReadView view = _pool.ViewRead(handles[place]);
        return view.Length == content.Length && content.StartsWith(view.First) && content.EndsWith(view.Second);
    }

    protected override void Dispose(bool disposing)
    {
        _pool.Dispose();
        base.Dispose(disposing);
    }
}
