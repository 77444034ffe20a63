using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Store.Codecs;

/// <summary>
/// What one thread at a time needs to store or load a page: room for a private copy of the page, room for its compressed form, and a
/// compression context for each codec. <see cref="Dispose"/> gives it back to the <see cref="CodecStreams"/> it was taken from.
/// </summary>
internal sealed unsafe class CodecStream(MemoryBudget budget, CodecTable codecs, int pageSize, int packedSize) : IDisposable
{
    // How many streams the current thread holds, of all stores.
    [ThreadStatic]
    private static int _heldByThread;

    private NativeBuffer _buffer;
    private Contexts _contexts;
    private bool _isReady;
    private Padding _busy;

    /// <summary>A private copy of the page that is being stored: the caller's buffer may change meanwhile.</summary>
    public byte* Page => _buffer.Pointer;

    /// <summary>The compressed form, or a straddling object made contiguous.</summary>
    public byte* Packed => _buffer.Pointer + pageSize;

    public Span<byte> PageSpan => new(Page, pageSize);

    public Span<byte> PackedSpan => new(Packed, packedSize);

    /// <summary>True if the buffers and a context for each codec exist. Changes under the codecs' lock, while the stream is held.</summary>
    public bool IsReady => Volatile.Read(ref _isReady);

    /// <summary>The context of a registered codec.</summary>
    public PageCodecContext Context(int codec) => _contexts[codec].Context;

    /// <summary>True if the current thread holds a stream of any store.</summary>
    public static bool ThreadHoldsAny => _heldByThread != 0;

    /// <summary>True if the current thread holds this stream.</summary>
    public bool IsHeldByThread => Volatile.Read(ref _busy.Value) == Environment.CurrentManagedThreadId;

    public bool TryTake()
    {
        if (Volatile.Read(ref _busy.Value) != 0 || Interlocked.CompareExchange(ref _busy.Value, Environment.CurrentManagedThreadId, 0) != 0)
            return false;
        _heldByThread++;
        return true;
    }

    /// <summary>Gives the stream back.</summary>
    public void Dispose()
    {
        _heldByThread--;
        Volatile.Write(ref _busy.Value, 0);
    }

    /// <summary>
    /// Makes the buffers and the contexts; false when there is no memory for them. The caller holds the stream, and the codecs' lock.
    /// </summary>
    /// <param name="mayTakeAll">
    /// May take all memory that is left, instead of at most half: without it a stream never takes what pages need to be stored at all.
    /// </param>
    public bool TryPrepare(bool mayTakeAll)
    {
        long bytes = (long)pageSize + packedSize;
        long needed = bytes;
        for (int number = 0; number < PageWord.MaxCodecs; number++)
            needed += codecs[number] is null ? 0 : codecs.ContextBytes(number);
        // Checked first, so that contexts are not made in vain.
        if (needed > (mayTakeAll ? budget.Available : budget.Available / 2) || !NativeBuffer.TryAllocate(budget, bytes, out _buffer))
            return false;
        try
        {
            _isReady = TryMakeContexts();
        }
        finally
        {
            if (!_isReady)
                FreeParts();
        }
        return _isReady;
    }

    /// <summary>
    /// Gives the buffers and the contexts back until the stream is prepared again. The caller holds the stream, and the codecs' lock.
    /// </summary>
    public void Trim()
    {
        Volatile.Write(ref _isReady, false);
        FreeParts();
    }

    /// <summary>Replaces the context of a number and returns the old one. The caller holds the stream.</summary>
    public ChargedContext Exchange(int number, ChargedContext context)
    {
        ChargedContext old = _contexts[number];
        _contexts[number] = context;
        return old;
    }

    public void Free()
    {
        foreach (ref ChargedContext context in _contexts[..])
            context.Free(budget);
        _buffer.Free(budget);
    }

    private void FreeParts()
    {
        Free();
        _contexts = default;
        _buffer = default;
    }

    private bool TryMakeContexts()
    {
        for (int number = 0; number < PageWord.MaxCodecs; number++)
        {
            if (codecs[number] is not { } codec)
                continue;
            long known = codecs.ContextBytes(number);
            bool made = ChargedContext.TryMake(budget, codec, pageSize, ref known, out _contexts[number]);
            codecs.NoteContextBytes(number, known);
            if (!made)
                return false;
        }
        return true;
    }

    [InlineArray(PageWord.MaxCodecs)]
    private struct Contexts
    {
        private ChargedContext _first;
    }

    /// <summary>The thread that holds the stream, or zero, on a cache line of its own: every operation of a processor writes it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Padding
    {
        [FieldOffset(64)]
        public int Value;
    }
}
