using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Compression.Fold;

internal sealed class FoldCodec : PageCodec
{
    public const int FastLevel = 1;
    public const int DenseLevel = 2;
    public const int MaxPageSize = 64 << 10;

    private const int MaxSmall = 4 << 10;

    private readonly int _level;
    private readonly InstructionPath _path;
    private readonly FoldTables _tables;
    private readonly MatchDictionary? _small;
    private readonly MatchDictionary? _large;

    public FoldCodec(int level, FoldTables tables, InstructionPath path)
    {
        (_level, _tables, _path) = (level, tables, path);
        ReadOnlySpan<byte> dictionary = tables.Definition.Dictionary.Span;
        if (dictionary.IsEmpty)
            return;
        _small = MatchDictionary.Make<SmallShape>(dictionary);
        _large = MatchDictionary.Make<LargeShape>(dictionary);
    }

    public override string Name => "fold";

    public override bool IsFast => true;

    public override int MaxCompressedLength(int pageSize) => pageSize + FoldHeader.MaxBytes;

    public override PageCodecContext CreateContext(int pageSize) => _path switch
    {
        InstructionPath.Avx2 => Create<Avx2Path>(pageSize),
        InstructionPath.Avx2WithoutDeposit => Create<Avx2WithoutDepositPath>(pageSize),
        InstructionPath.Vector128 => Create<Vector128Path>(pageSize),
        _ => Create<ScalarPath>(pageSize),
    };

    private PageCodecContext Create<TPath>(int pageSize)
        where TPath : struct, IInstructionPath => pageSize <= MaxSmall
        ? _level == FastLevel
            ? new FoldContext<TPath, SmallShape, Fold.FastLevel>(_tables, _small, pageSize)
            : new FoldContext<TPath, SmallShape, Fold.DenseLevel>(_tables, _small, pageSize)
        : _level == FastLevel
            ? new FoldContext<TPath, LargeShape, Fold.FastLevel>(_tables, _large, pageSize)
            : new FoldContext<TPath, LargeShape, Fold.DenseLevel>(_tables, _large, pageSize);
}
