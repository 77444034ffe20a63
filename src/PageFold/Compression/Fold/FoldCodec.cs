using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

/// <summary>A codec made for pages.</summary>
/// <remarks>
/// <para>
/// General codecs are made for files. A page is too short for what they do: a table that is cleared for each text, statistics that are sent
/// with it, an entropy decoder that has hardly begun when the page ends. This codec has everything ready before the page comes.
/// </para>
/// <para>
/// <b>Matches.</b> A text is literals and matches, as in LZ4: take so many bytes as they are, then so many from so far back. The
/// <see cref="MatchFinder"/> looks up all positions at once and compares no bytes; the <see cref="SequenceParser"/> then goes from match
/// to match, with two cursors.
/// </para>
/// <para>
/// <b>Tokens.</b> A sequence has three numbers: literals, match length, distance. One byte, the token, names one of 256 boxes of the three;
/// the boxes were chosen by training, so that where sequences are frequent the boxes are small. What is left of the numbers are extra bits,
/// about 8 a sequence. So the decoder's loop has no entropy decoding in it: a look-up, one instruction that spreads the extra bits, one
/// addition.
/// </para>
/// <para>
/// <b>Codes.</b> At the dense level literals, and tokens where that gains enough, are coded with prefix codes, also trained, of which a
/// text names the best ones. The codes lie in up to seven streams, so that the processor decodes seven symbols at a time.
/// </para>
/// <para>
/// <b>Tables.</b> Boxes, codes and a dictionary are a <see cref="FoldDefinition"/>: the built-in ones, or such that were trained on a
/// store's own pages. A page cannot be read without the tables it was written with, so a codec is described by them.
/// </para>
/// <para>
/// <b>Trust.</b> The encoder works on a private copy. The decoder works between buffers of its own that have room for whatever a damaged
/// text says, with one check a sequence; it returns false unless the parts add up. It does not find changed literals: the store's checksum
/// does. docs/codec.md specifies the format to the bit.
/// </para>
/// </remarks>
internal sealed class FoldCodec : PageCodec
{
    /// <summary>The greatest length of a text.</summary>
    public const int MaxPageSize = 64 << 10;

    /// <summary>The codec's name.</summary>
    public const string CodecName = "fold";

    private const int MaxSmall = 4 << 10;

    private readonly FoldLevel _level;
    private readonly InstructionPath _path;

    // Null for the built-in ones, which depend on the length of pages.
    private readonly FoldTables? _tables;
    private readonly ReadOnlyMemory<byte> _definition;
    private readonly bool _isOfLibrary;
    private long _sharedBytes;

    /// <summary>Makes the codec with the built-in tables.</summary>
    public FoldCodec(FoldLevel level, InstructionPath path)
        : this(level, null, default, isOfLibrary: true, path)
    {
    }

    /// <summary>Makes the codec with tables of one's own; with the built-in ones if there are none.</summary>
    public FoldCodec(FoldLevel level, FoldTables? tables, InstructionPath path)
        : this(level, tables, tables?.Definition.ToArray(), isOfLibrary: tables is null, path)
    {
    }

    private FoldCodec(FoldLevel level, FoldTables? tables, ReadOnlyMemory<byte> definition, bool isOfLibrary, InstructionPath path)
    {
        (_level, _tables, _definition, _isOfLibrary, _path) = (level, tables, definition, isOfLibrary, path);
        _sharedBytes = tables?.Bytes ?? 0;
    }

    public override string Name => CodecName;

    internal override string ShownName => _level == FoldLevel.Dense ? CodecName + ":dense" : CodecName;

    public override string Implementation => "PageFold " + InstructionPaths.NameOf(_path);

    public override bool IsFast => true;

    public override long SharedBytes => Volatile.Read(ref _sharedBytes);

    /// <summary>
    /// Makes the codec with tables from their definition; null if the bytes are none, or those of the library with a dictionary, which
    /// never has one.
    /// </summary>
    /// <param name="level">The level.</param>
    /// <param name="definition">The bytes, which the codec owns from now on.</param>
    /// <param name="isOfLibrary">True if the tables came with the library, this version of it or another one.</param>
    public static FoldCodec? TryMake(FoldLevel level, ReadOnlyMemory<byte> definition, bool isOfLibrary) =>
        FoldDefinition.TryRead(definition) is { } read && !(isOfLibrary && read.Dictionary.Length > 0)
            ? new FoldCodec(level, new FoldTables(read), definition, isOfLibrary, InstructionPaths.Best)
            : null;

    /// <summary>The most bytes that tables with a dictionary take, and that making them takes.</summary>
    public static long MaxSharedBytes(int definitionBytes) =>
        FoldTables.MaxBytes + definitionBytes + FoldTables.DictionaryBytes(Math.Min(definitionBytes, MatchDictionary.MaxLength));

    public override int MaxCompressedLength(int pageSize) => MaxPackedBytes(pageSize);

    /// <summary>The most bytes of an encoded text.</summary>
    public static int MaxPackedBytes(int length) => length + FoldHeader.MaxRawBytes;

    public override PageCodecContext CreateContext(int pageSize)
    {
        CodecThrow.IfPageSizeInvalid(pageSize, MaxPageSize);
        FoldTables tables = _tables ?? BuiltInTables.For(pageSize);
        Volatile.Write(ref _sharedBytes, tables.Bytes);
        CodecThrow.IfShareFreed(!tables.TryUse(), this);
        try
        {
            return _path switch
            {
                InstructionPath.Avx2 => Create<Avx2Path>(tables, pageSize),
                InstructionPath.Avx2WithoutDeposit => Create<Avx2WithoutDepositPath>(tables, pageSize),
                InstructionPath.Vector128 => Create<Vector128Path>(tables, pageSize),
                _ => Create<ScalarPath>(tables, pageSize),
            };
        }
        catch
        {
            tables.EndUse();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void FreeShared() => _tables?.Close();

    internal override CodecDescription Describe(int pageSize) =>
        new(CodecName, (int)_level, _tables is null ? BuiltInTables.DefinitionFor(pageSize) : _definition, _isOfLibrary);

    internal override long MaxContextBytes(int pageSize) => pageSize <= MaxSmall
        ? FoldWorkspace.BytesFor(pageSize, MatchFinder.TableBytes<SmallShape>(), DictionaryLength, OlderLength)
        : FoldWorkspace.BytesFor(pageSize, MatchFinder.TableBytes<LargeShape>(), DictionaryLength, OlderLength);

    private int DictionaryLength => _tables?.Definition.Dictionary.Length ?? 0;

    // Only the dense level goes on to older candidates.
    private int OlderLength => _level == FoldLevel.Dense ? DictionaryLength : 0;

    private PageCodecContext Create<TPath>(FoldTables tables, int pageSize)
        where TPath : struct, IInstructionPath => (pageSize <= MaxSmall, _level) switch
        {
            (true, FoldLevel.Fast) => new FoldContext<TPath, SmallShape, FastLevel>(tables, tables.SmallDictionary, pageSize),
            (true, _) when tables.SmallDictionary is { } dictionary =>
                new FoldContext<TPath, SmallShape, DenseDictionaryLevel>(tables, dictionary, pageSize),
            (true, _) => new FoldContext<TPath, SmallShape, DenseLevel>(tables, null, pageSize),
            (false, FoldLevel.Fast) => new FoldContext<TPath, LargeShape, FastLevel>(tables, tables.LargeDictionary, pageSize),
            (false, _) => new FoldContext<TPath, LargeShape, DenseLongLevel>(tables, tables.LargeDictionary, pageSize),
        };
}
