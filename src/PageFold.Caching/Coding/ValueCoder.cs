using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Coding;

/// <summary>Compresses and decompresses values.</summary>
/// <remarks>
/// <para>
/// One thread at a time has a coder, from <see cref="ValueCoding.Take"/> to <see cref="ValueCoding.Return"/>. In steady state it allocates
/// nothing on the GC heap.
/// </para>
/// <para>
/// The owner of a value may change it while it is encoded. The codec works on a copy that it makes first, and what is stored raw is copied
/// once, so the result is some value that decodes, and no memory is harmed. A decoder writes a text into the codec's own memory and copies
/// it to the destination when all of it is there, so damaged bytes give false, or a wrong value of the right length, which the checksum of
/// the stored bytes has to rule out.
/// </para>
/// </remarks>
internal sealed unsafe class ValueCoder
{
    /// <summary>The longest value that is encoded in one piece.</summary>
    public const int MaxLength = 64 << 10;

    /// <summary>The longest value for which each coder has contexts of its own.</summary>
    public const int SmallLength = 4 << 10;

    /// <summary>Shorter values are stored raw.</summary>
    public const int MinLength = 16;

    /// <summary>The step between the sizes of objects in the heap.</summary>
    public const int SizeStep = 16;

    // A value must become shorter by this part of its bytes, as a power of two: 5 for a 32nd.
    private const int GainShift = 5;

    private readonly ValueCoding _coding;
    private readonly byte* _buffer;

    // By number; the version tells whether a context is that of the number's present version.
    private readonly (CodecVersion? Version, PageCodecContext? Context, bool IsPaid)[] _contexts;
    private long _taken;
    private uint _random;
    private int _untilSample;

    private ValueCoder(ValueCoding coding, byte* buffer, uint seed)
    {
        _coding = coding;
        _buffer = buffer;
        _random = seed | 1;
        _contexts = new (CodecVersion?, PageCodecContext?, bool)[ValueForm.FirstTrained + CodecVersions.MostVersions];
    }

    /// <summary>The moment at which it was taken; zero if it is not. Only <see cref="ValueCoding"/> writes it.</summary>
    public ref long Taken => ref _taken;

    /// <summary>The number of <see cref="CodecVersions.Given"/> up to which the contexts were swept.</summary>
    public long Swept { get; private set; }

    private Span<byte> Buffer => new(_buffer, MaxLength);

    /// <summary>Room for a decoded value of up to an object's size; not touched by a call with a single part.</summary>
    public Span<byte> DecodedBuffer => Buffer[^SmallLength..];

    /// <summary>
    /// Room for stored bytes that are gathered from several objects: for the next call of <see cref="TryDecode"/>, in one part.
    /// </summary>
    public Span<byte> StoredBuffer(int length) => Buffer[..length];

    /// <summary>Makes a coder; null when the limit is reached.</summary>
    /// <remarks>
    /// It has its context of the built-in tables from the beginning. These tables differ by the length that a context is made for, so a
    /// short value that was encoded with them can only be decoded with a context for short values, memory or not.
    /// </remarks>
    public static ValueCoder? TryCreate(ValueCoding coding, uint seed)
    {
        byte* buffer = coding.Memory.TryAllocate(MaxLength);
        if (buffer is null)
            return null;
        ValueCoder coder = new(coding, buffer, seed);
        if (coder.SmallContext(coding.Versions.BuiltIn) is not null)
            return coder;
        coder.Free();
        return null;
    }

    /// <summary>Encodes a value for storing.</summary>
    /// <param name="value">The value, of at most <see cref="MaxLength"/> bytes.</param>
    /// <param name="before">Bytes of the object in front of the value, such as its key: they count for the rounding.</param>
    /// <param name="stored">What to store: valid until the next call, or the coder is returned.</param>
    /// <returns>
    /// The form, with a reference to its tables that the caller gives to the entry, or ends with <see cref="ValueCoding.Release"/>.
    /// </returns>
    public ValueForm Encode(ReadOnlySpan<byte> value, int before, out ReadOnlySpan<byte> stored)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.Length, MaxLength, nameof(value));
        int most = MostBytes(value.Length, before);
        if (_coding.Options.Compresses && value.Length >= MinLength && most > 0 && !Incompressible.Is(value))
        {
            CodecVersion version = _coding.Versions.AcquireCurrent();
            ValueForm form = new(version.Number);
            bool isShorter = TryCompress(version, value, Buffer[..most], out int written);
            if (--_untilSample < 0)
                Sample(value, version, isShorter ? written : value.Length);
            if (isShorter)
            {
                stored = Buffer[..written];
                return form;
            }
            _coding.Release(form);
        }
        value.CopyTo(Buffer);
        stored = Buffer[..value.Length];
        return ValueForm.Raw;
    }

    /// <summary>Decodes a stored value; false if the bytes are none of this form and length.</summary>
    /// <param name="form">The form, whose reference an entry held when the coder was taken.</param>
    /// <param name="first">The stored bytes, or the first part of them.</param>
    /// <param name="second">The second part; empty if there is one part alone.</param>
    /// <param name="destination">Receives the value, of exactly the length that was encoded; undefined after false.</param>
    /// <exception cref="OutOfMemoryException">The system has no memory for a context.</exception>
    public bool TryDecode(ValueForm form, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> destination)
    {
        if (form.IsRaw)
        {
            if (first.Length + second.Length != destination.Length)
                return false;
            first.CopyTo(destination);
            second.CopyTo(destination[first.Length..]);
            return true;
        }
        if (destination.IsEmpty || destination.Length > MaxLength || _coding.Versions[form.Number] is not { } version)
            return false;
        if (!second.IsEmpty)
        {
            if (first.Length + second.Length > MaxLength)
                return false;
            first.CopyTo(Buffer);
            second.CopyTo(Buffer[first.Length..]);
            first = Buffer[..(first.Length + second.Length)];
        }
        if (destination.Length <= SmallLength && SmallContext(version) is { } context)
            return context.TryDecompress(first, destination);
        LargeContexts.Slot slot = _coding.Large.Take(version);
        try
        {
            return slot.Context!.TryDecompress(first, destination);
        }
        finally
        {
            _coding.Large.Return(slot);
        }
    }

    /// <summary>Disposes the contexts whose version is no longer there.</summary>
    public void Sweep()
    {
        CodecVersions versions = _coding.Versions;
        Swept = versions.Given;
        for (int number = ValueForm.FirstTrained; number < _contexts.Length; number++)
        {
            if (_contexts[number].Version is { } version && versions[(byte)number] != version)
                Drop(number);
        }
    }

    /// <summary>
    /// Disposes the contexts of trained tables; they are made again when they are needed. That of the built-in ones stays.
    /// </summary>
    public void Shrink()
    {
        for (int number = ValueForm.FirstTrained; number < _contexts.Length; number++)
            Drop(number);
    }

    /// <summary>Gives back all memory; the coder is not used again.</summary>
    public void Free()
    {
        Shrink();
        Drop(ValueForm.BuiltInNumber);
        _coding.Memory.Free(_buffer, MaxLength);
    }

    /// <summary>The most bytes of a compressed value that are worth it; zero or less if none are.</summary>
    private static int MostBytes(int length, int before)
    {
        int whole = (before + length + SizeStep - 1) & -SizeStep;
        return Math.Min(length - Math.Max(1, length >> GainShift), whole - SizeStep - before);
    }

    private bool TryCompress(CodecVersion version, ReadOnlySpan<byte> value, Span<byte> destination, out int written)
    {
        if (value.Length <= SmallLength && SmallContext(version) is { } context)
            return context.TryCompress(value, destination, out written);
        LargeContexts.Slot slot;
        try
        {
            slot = _coding.Large.Take(version);
        }
        catch (Exception e) when (e is OutOfMemoryException or InsufficientMemoryException)
        {
            written = 0;
            return false;
        }
        try
        {
            return slot.Context!.TryCompress(value, destination, out written);
        }
        finally
        {
            _coding.Large.Return(slot);
        }
    }

    /// <summary>Returns the coder's context of a version for short values; null if there is no memory for one.</summary>
    private PageCodecContext? SmallContext(CodecVersion version)
    {
        ref (CodecVersion? Version, PageCodecContext? Context, bool IsPaid) place = ref _contexts[version.Number];
        return place.Version == version ? place.Context : MakeSmallContext(version);
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "Free and Sweep dispose it.")]
    private PageCodecContext? MakeSmallContext(CodecVersion version)
    {
        Drop(version.Number);
        bool isPaid = version.TryTakeContext();
        if (!isPaid && !_coding.Memory.TryCharge(version.SmallBytes))
            return null;
        try
        {
            PageCodecContext context = version.Codec.CreateContext(SmallLength);
            _contexts[version.Number] = (version, context, isPaid);
            return context;
        }
        catch (Exception e) when (e is OutOfMemoryException or InsufficientMemoryException)
        {
            Release(version, isPaid);
            return null;
        }
    }

    private void Release(CodecVersion version, bool isPaid)
    {
        if (isPaid)
            version.ReturnContext();
        else
            _coding.Memory.Release(version.SmallBytes);
    }

    private void Drop(int number)
    {
        if (_contexts[number] is not { Version: { } version, Context: { } context, IsPaid: var isPaid })
            return;
        context.Dispose();
        _contexts[number] = default;
        Release(version, isPaid);
    }

    /// <summary>Gives a value to the training, and chooses when to take the next one.</summary>
    private void Sample(ReadOnlySpan<byte> value, CodecVersion version, int stored)
    {
        // Xorshift (Marsaglia, 2003). Random steps: values of different kinds may come in turns.
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        _untilSample = (int)(_random % (uint)Math.Max(1, 2 * _coding.Options.SampleOneIn - 1));
        _coding.Training?.Observe(value, version, stored);
    }
}
