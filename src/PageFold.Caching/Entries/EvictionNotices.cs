using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Entries;

/// <summary>
/// Keeps what an eviction callback has to be told until the operation that caused it holds no lock. Each thread has its own.
/// </summary>
internal sealed class EvictionNotices(CacheEvictionCallback? callback)
{
    private const int HeaderLength = 1 + sizeof(int);
    private const int FirstBytes = 256;

    // An eviction of a few entries with the longest keys.
    private const int KeptBytes = 256 << 10;

    [ThreadStatic]
    private static Pending? _pending;

    public bool IsWanted => callback is not null;

    /// <summary>Keeps a notice. The key's bytes are copied to the span that is returned.</summary>
    public Span<byte> Add(int keyLength, CacheEvictionReason reason)
    {
        Pending pending = _pending ??= new Pending();
        // What another cache's operation left behind when it ended in an exception is not told to this one's callback.
        if (pending.Owner != this)
            pending.Length = 0;
        int needed = pending.Length + HeaderLength + keyLength;
        if (needed > pending.Bytes.Length)
            Array.Resize(ref pending.Bytes, Math.Max(needed, 2 * pending.Bytes.Length));
        Span<byte> notice = pending.Bytes.AsSpan(pending.Length);
        notice[0] = (byte)reason;
        BinaryPrimitives.WriteInt32LittleEndian(notice[1..], keyLength);
        pending.Length = needed;
        pending.Owner = this;
        return notice.Slice(HeaderLength, keyLength);
    }

    /// <summary>Tells what was kept. The caller holds no lock.</summary>
    public void Tell()
    {
        if (callback is null || _pending is not { Length: > 0 } pending || pending.Owner != this)
            return;
        // The callback may use the cache, whose notices then go to another buffer.
        _pending = null;
        Tell(pending);
    }

    /// <summary>Has a thread of the pool tell what was kept, for work that a callback may wait for.</summary>
    public void TellOnPool()
    {
        if (callback is null || _pending is not { Length: > 0 } pending || pending.Owner != this)
            return;
        _pending = null;
        ThreadPool.UnsafeQueueUserWorkItem(static told => told.Notices.TellAndForget(told.Pending), (Notices: this, Pending: pending),
            preferLocal: false);
    }

    [SuppressMessage("Design", "CA1031", Justification = "A callback of the cache's user that throws must not end the process.")]
    private void TellAndForget(Pending pending)
    {
        try
        {
            Tell(pending);
        }
        catch (Exception)
        {
            // There is no caller that the exception could reach.
        }
    }

    private void Tell(Pending pending)
    {
        try
        {
            for (int offset = 0; offset < pending.Length;)
            {
                ReadOnlySpan<byte> notice = pending.Bytes.AsSpan(offset, pending.Length - offset);
                int length = BinaryPrimitives.ReadInt32LittleEndian(notice[1..]);
                callback!(notice.Slice(HeaderLength, length), (CacheEvictionReason)notice[0]);
                offset += HeaderLength + length;
            }
        }
        finally
        {
            pending.Length = 0;
            // What one operation evicted for a large value is not kept with the thread.
            if (pending.Bytes.Length > KeptBytes)
                pending.Bytes = new byte[FirstBytes];
            _pending = pending;
        }
    }

    private sealed class Pending
    {
        public EvictionNotices? Owner;
        public byte[] Bytes = new byte[FirstBytes];
        public int Length;
    }
}
