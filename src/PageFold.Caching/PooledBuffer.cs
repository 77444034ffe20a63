using System.Buffers;

namespace PageFold.Caching;

/// <summary>A buffer writer on arrays of the shared pool; every thread keeps one, so that its use allocates nothing.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>
{
    private const int FirstSize = 1024;

    // A larger array goes back to the pool after its use; this one stays with the thread.
    private const int KeptSize = 64 << 10;

    [ThreadStatic]
    private static PooledBuffer? _free;

    private byte[] _array = [];
    private int _length;

    public ReadOnlySpan<byte> Written => _array.AsSpan(0, _length);

    public ReadOnlySequence<byte> Sequence => new(_array, 0, _length);

    /// <summary>Takes the thread's buffer, or a new one while that is in use further up the stack.</summary>
    public static PooledBuffer Rent()
    {
        PooledBuffer buffer = _free ?? new PooledBuffer();
        _free = null;
        return buffer;
    }

    /// <summary>Gives the buffer to the thread that runs.</summary>
    public static void Return(PooledBuffer buffer)
    {
        buffer._length = 0;
        if (buffer._array.Length > KeptSize)
            buffer.Replace([]);
        _free = buffer;
    }

    public void Advance(int count)
    {
        if ((uint)count > (uint)(_array.Length - _length))
            AdapterThrow.AdvancedTooFar(count, _array.Length - _length);
        _length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsSpan(_length);
    }

    private void Reserve(int sizeHint)
    {
        int needed = Math.Max(sizeHint, 1);
        if (needed <= _array.Length - _length)
            return;
        long size = Math.Max((long)_length + needed, Math.Max(FirstSize, 2L * _array.Length));
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(size, Array.MaxLength));
        Written.CopyTo(larger);
        Replace(larger);
    }

    private void Replace(byte[] array)
    {
        if (_array.Length > 0)
            ArrayPool<byte>.Shared.Return(_array);
        _array = array;
    }
}
