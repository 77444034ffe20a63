using PageFold.Compression;
using PageFold.Store.Training;

namespace PageFold;

// A store's codecs. A page stays with the codec it was stored with until it is written again or recompressed, so a store may hold pages of
// several.
public sealed partial class PageStore
{
    /// <summary>How new writes are compressed. Thread-safe like all members, and never waits.</summary>
    public PageCodec Codec => _codecs.ForWrites;

    /// <summary>The codecs that the store knows, in the order of their numbers, which need not follow each other. Never waits.</summary>
    /// <remarks><see cref="PageStoreStatistics.Codecs"/> has them as they were when its other figures were taken.</remarks>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public IReadOnlyList<CodecUse> Codecs => _codecs.Describe();

    /// <summary>Returns the codec with a number, as in <see cref="Codecs"/>; null if there is none. Thread-safe; never waits.</summary>
    /// <param name="number">The number, 0 to 3; any other has none.</param>
    /// <remarks>So a codec that was restored with a snapshot can be used for new writes, or to recompress.</remarks>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public PageCodec? FindCodec(int number) => _codecs.Find(number);

    /// <summary>
    /// Makes a codec known, beside up to three others. A codec that is known already, or one of the same kind, level and dictionary, keeps
    /// its number. When there are four, the new one takes the number of one that nothing is stored with and that new writes do not use.
    /// </summary>
    /// <param name="codec">The codec.</param>
    /// <returns>Its number, 0 to 3.</returns>
    /// <exception cref="ArgumentException">The codec is null, or claims an impossible amount of memory.</exception>
    /// <exception cref="InvalidOperationException">
    /// There are four codecs, all in use (<see cref="RetireCodec"/> frees a number), or a snapshot is being taken, or a codec calls the
    /// store that it works for.
    /// </exception>
    /// <exception cref="MemoryLimitException">
    /// There is no memory for its contexts. Nothing has changed, except that a codec with which nothing was stored may be forgotten.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>An exception of the codec's own reaches the caller; nothing has changed then.</remarks>
    public int AddCodec(PageCodec codec)
    {
        CodecThrow.IfCodecMissing(codec);
        return _codecs.Add(codec);
    }

    /// <summary>Has new writes use a codec, which is made known if need be. What is stored stays as it is.</summary>
    /// <param name="codec">The codec.</param>
    /// <inheritdoc cref="AddCodec(PageCodec)" path="/exception"/>
    public void UseCodec(PageCodec codec)
    {
        CodecThrow.IfCodecMissing(codec);
        _codecs.UseForWrites(codec);
    }

    /// <summary>
    /// Moves all pages of a codec to another one, and then forgets the codec: its number is free, and the memory of its dictionary and
    /// contexts is given back. Other threads may read, write and discard meanwhile.
    /// </summary>
    /// <param name="number">The codec's number, as in <see cref="Codecs"/>.</param>
    /// <param name="options">How. Null for the defaults.</param>
    /// <param name="progress">
    /// Receives now and then which part of the stored pages has been examined, 0 to 1; again from 0 for each pass.
    /// </param>
    /// <param name="cancellationToken">Ends between two pages; what was moved so far stays moved.</param>
    /// <returns>
    /// What was done. A codec that could not be retired, because pages are in use, memory is short or a snapshot is being taken, is as it
    /// was except for the pages that were moved: the next call goes on.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// No codec has the number, or the target is that codec itself, or an option is out of range.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// New writes use the codec; or the target is new and cannot be added; or a codec calls the store that it works for.
    /// </exception>
    /// <exception cref="MemoryLimitException">There is no memory for the target's contexts; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    /// <remarks>
    /// Pages in the writeback file come back to memory for it; where memory is short, others leave it instead. An exception of a codec's
    /// own reaches the caller; the page at which it was thrown is as it was. A damaged page stays damaged.
    /// </remarks>
    public CodecRetirement RetireCodec(int number, CodecRetirementOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new CodecRetirementOptions();
        Throw.IfNegative(options.MaxPages ?? 0, nameof(options.MaxPages));
        return _retirer.Retire(number, options, progress, cancellationToken);
    }

    /// <summary>
    /// Compresses stored pages again with another codec, and keeps the result where it takes less memory. Does not count as an access.
    /// Other threads may read, write and discard meanwhile; a write of a page that is being recompressed waits for that one page.
    /// </summary>
    /// <param name="options">Which pages, and what with.</param>
    /// <param name="progress">Receives now and then which part of the pages has been examined, 0 to 1.</param>
    /// <param name="cancellationToken">Ends between two pages; what was done so far stays.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or the codec claims an impossible amount of memory; the message names it, its value and the remedy.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// Pages are to be chosen by age and the store does not track access; or there are four codecs, all in use, and <see
    /// cref="RecompressionOptions.RetireOthers"/> is not set or finds none that may go; or a snapshot is being taken and the codec is new;
    /// or a codec calls the store that it works for.
    /// </exception>
    /// <exception cref="MemoryLimitException">There is no memory for the codec's contexts; nothing has changed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before the codec had a number.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed; what was done so far is gone with it.</exception>
    /// <remarks>
    /// An exception of the codec's own reaches the caller. Pages that were recompressed before stay so; the one at which it was thrown is
    /// as it was. A page that finds no memory is skipped; it does not end a training that holds some.
    /// </remarks>
    public RecompressionResult Recompress(RecompressionOptions options, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        CodecThrow.IfCodecMissing(options.Codec);
        StoreThrow.IfAgesUnknown(options.MinAge, _index.Access is not null);
        Throw.IfNegative(options.MinStoredBytes, nameof(options.MinStoredBytes));
        Throw.IfNegative(options.MaxPages ?? 0, nameof(options.MaxPages));
        return _recompressor.Run(options, progress, cancellationToken);
    }

    /// <summary>
    /// Trains a Zstandard dictionary on some of the store's pages, chosen evenly, for <see cref="PageCodec.Zstd"/>. Pages of text, records
    /// or code have much in common that a single page is too small to show.
    /// </summary>
    /// <param name="bytes">
    /// Bytes of the dictionary at most, 1 KiB to 1 MiB. Every codec that uses it holds it digested, which takes several times as much.
    /// </param>
    /// <param name="level">The level that the pages will be compressed at.</param>
    /// <param name="cancellationToken">Ends the reading of samples.</param>
    /// <returns>The dictionary; null if too few pages are stored, or they have too little in common.</returns>
    /// <remarks>
    /// While it works it holds, within the memory limit, what the library needs (some 12 MiB, and several times what the dictionary takes
    /// digested at that level) and samples of up to a hundred times the dictionary's bytes, fewer where the limit leaves less. The
    /// dictionary itself belongs to the caller. Reading a sample counts as an access. Until the samples are read, a write, a snapshot or a
    /// new codec that would be refused ends it and takes its memory. The call that makes the dictionary of them cannot be ended, not by
    /// <see cref="Dispose"/> either: nothing waits for it.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The size or the level is out of range.</exception>
    /// <exception cref="MemoryLimitException">
    /// There is no memory for the work and a few samples, or a write or another operation needs it, or has needed it meanwhile. Nothing has
    /// changed.
    /// </exception>
    /// <exception cref="PageCorruptException">A sample does not match its checksum.</exception>
    /// <exception cref="WritebackReadException">A sample is in the writeback file and cannot be read from there.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public byte[]? TrainDictionary(int bytes = 32 << 10, int level = ZstdCodec.DefaultLevel,
        CancellationToken cancellationToken = default) =>
        new DictionaryTrainer(_index, _reader).Train(bytes, level, cancellationToken);

    /// <summary>
    /// Trains tables on some of the store's pages, chosen evenly, for <see cref="PageCodec.Fold"/>. Tables of one's own say the sequences
    /// that are frequent in these pages with fewer bits than the built-in ones, and code their literals better.
    /// </summary>
    /// <param name="level">The level that the pages will be compressed at.</param>
    /// <param name="dictionaryBytes">
    /// Bytes at most, 1 KiB to 64 KiB, of a dictionary that may be trained with the tables: content that precedes each page. Every context
    /// of the codec holds a copy. 0 (the default) for none.
    /// </param>
    /// <param name="leastGain">
    /// The part of the bytes, 0 to less than 1, that the tables must save. A quarter of the samples decides; it is not used for training.
    /// They are compared with the built-in tables and with those that the store has a codec of this level for, whichever are better.
    /// </param>
    /// <param name="progress">Receives now and then how far the training is, 0 to 1.</param>
    /// <param name="cancellationToken">Ends the training.</param>
    /// <returns>The tables; null if fewer than 64 pages are stored and in memory, or the tables gain less.</returns>
    /// <remarks>
    /// <para>
    /// Takes seconds of one processor. While it works it holds, within the memory limit, samples of up to 12 MiB and up to 28 MiB for the
    /// work; fewer where the limit leaves less. The tables belong to the caller. Reading a sample counts as an access.
    /// </para>
    /// <para>
    /// It gives way: a write, a snapshot or a new codec that would be refused ends it and takes its memory. With <see
    /// cref="WritebackOptions.DirectReclaim"/> pages leave memory first. An operation by the code that <paramref name="progress"/> calls
    /// ends the training too, but is refused itself. While that code keeps the thread for more than a second, others do not wait for it.
    /// </para>
    /// <para>
    /// An exception of <paramref name="progress"/> ends the training and reaches the caller. When it receives 1, the memory is back.
    /// </para>
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">There is no such level, or the size or the gain is out of range.</exception>
    /// <exception cref="MemoryLimitException">
    /// There is no memory for the work and a few samples, or a write or another operation needs it, or has needed it meanwhile. Nothing has
    /// changed.
    /// </exception>
    /// <exception cref="PageCorruptException">A sample does not match its checksum.</exception>
    /// <exception cref="WritebackReadException">A sample is in the writeback file and cannot be read from there.</exception>
    /// <exception cref="InvalidOperationException">A codec calls the store that it works for.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public byte[]? TrainFoldTables(FoldLevel level = FoldLevel.Dense, int dictionaryBytes = 0, double leastGain = 0.02,
        IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        RunFoldTraining(level, dictionaryBytes, leastGain, progress, cancellationToken).Tables is { IsEmpty: false } tables
            ? tables.ToArray() : null;

    /// <summary>
    /// Does what <see cref="TrainFoldTables"/> does, and says how many samples there were and what the tables gain, also if that is not
    /// enough.
    /// </summary>
    /// <inheritdoc cref="TrainFoldTables" path="/param"/>
    /// <returns>What came of it; without tables if fewer than 64 pages are stored and in memory, or the tables gain less.</returns>
    /// <inheritdoc cref="TrainFoldTables" path="/remarks"/>
    /// <inheritdoc cref="TrainFoldTables" path="/exception"/>
    public FoldTraining RunFoldTraining(FoldLevel level = FoldLevel.Dense, int dictionaryBytes = 0, double leastGain = 0.02,
        IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        new FoldTablesTrainer(_index, _reader, _codecs, _incompressibleAbove).Train(
            level, dictionaryBytes, leastGain, progress, cancellationToken);
}
