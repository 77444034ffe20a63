using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageFold.Frames;

namespace PageFold.Store;

/// <summary>
/// What one thread at a time needs to store or load a page: room for a private copy of the page, room for its compressed form, and a context for each codec.
/// </summary>
internal sealed unsafe class Workbench(MemoryBudget budget, CodecTable codecs, int pageSize, int packedSize)
{
    private NativeBuffer _buffer;
    private Contexts _contexts;
    private bool _isReady;
    private Padding _busy;

    /// <summary>A private copy of the page that is being stored; what the caller does to its buffer meanwhile no longer matters.</summary>
    public byte* Page => _buffer.Pointer;

    /// <summary>The compressed form, or a straddling object made contiguous.</summary>
    public byte* Packed => _buffer.Pointer + pageSize;

    public Span<byte> PageSpan => new(Page, pageSize);

    public Span<byte> PackedSpan => new(Packed, packedSize);

    /// <summary>True if the buffers are there, and a context for each codec. It becomes so under the codecs' lock and stays so.</summary>
    public bool IsReady => Volatile.Read(ref _isReady);

    /// <summary>The context of a registered codec.</summary>
    public PageCodecContext Context(int codec) => _contexts[codec].Context;

    public bool TryTake() => Volatile.Read(ref _busy.Value) == 0 && Interlocked.Exchange(ref _busy.Value, 1) == 0;

    public void Return() => Volatile.Write(ref _busy.Value, 0);

    /// <summary>Makes the buffers and the contexts; false when there is no memory for them. The caller has the workbench, and the codecs' lock.</summary>
    public bool TryPrepare()
    {
        long bytes = pageSize + packedSize;
        long needed = bytes;
        for (int number = 0; number < CodecTable.Most; number++)
            needed += codecs[number] is null ? 0 : codecs.ContextBytes(number);
        // Looked at first, so that contexts are not made in vain.
        if (budget.Available < needed || !NativeBuffer.TryAllocate(budget, bytes, out _buffer))
            return false;
        try
        {
            _isReady = TryMakeContexts();
        }
        finally
        {
            if (!_isReady)
            {
                Free();
                _contexts = default;
                _buffer = default;
            }
        }
        return _isReady;
    }

    /// <summary>Puts a context in the place of the one of the same number, which it returns. The caller has the workbench.</summary>
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

    private bool TryMakeContexts()
    {
        for (int number = 0; number < CodecTable.Most; number++)
        {
            if (codecs[number] is not { } codec)
                continue;
            long known = codecs.ContextBytes(number);
            if (!ChargedContext.TryMake(budget, codec, pageSize, ref known, out _contexts[number]))
                return false;
            codecs.NoteContextBytes(number, known);
        }
        return true;
    }

    [InlineArray(CodecTable.Most)]
    private struct Contexts
    {
        private ChargedContext _first;
    }

    /// <summary>The flag on a line of its own, since every operation of a processor touches it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Padding
    {
        [FieldOffset(64)]
        public int Value;
    }
}
