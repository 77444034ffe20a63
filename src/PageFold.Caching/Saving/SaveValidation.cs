using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Saving;

/// <summary>Goes through all of a saved cache before anything of it is loaded.</summary>
internal static class SaveValidation
{
    /// <summary>Checks blocks, records, tables and end.</summary>
    /// <exception cref="CacheFileException">Something is wrong.</exception>
    public static void Run(SaveReader reader, CancellationToken cancellationToken)
    {
        bool[] known = new bool[byte.MaxValue + 1];
        long entries = 0;
        long contentBytes = 0;
        while (reader.TryReadKind(out byte kind))
        {
            if (kind == SaveFormat.TablesRecord)
            {
                byte[] tables = ReadTables(reader, out byte number, out _);
                if (known[number])
                    reader.Damaged($"there are two tables {number}");
                known[number] = true;
                Check(reader, tables);
                continue;
            }
            if (kind != SaveFormat.EntryRecord)
                reader.Damaged($"a record is of kind {kind}");
            SavedEntry entry = SavedEntry.Read(reader);
            reader.Skip(entry.KeyLength);
            entry.SkipTags(reader);
            entry.SkipChunks(reader, known);
            entries++;
            contentBytes += entry.KeyLength + (long)entry.ValueLength;
            cancellationToken.ThrowIfCancellationRequested();
        }
        if (reader.Totals.Entries != entries || reader.Totals.ContentBytes != contentBytes)
            reader.Damaged($"the end mark counts {reader.Totals.Entries} entries, and there are {entries}");
    }

    /// <summary>Reads tables, behind their kind.</summary>
    public static byte[] ReadTables(SaveReader reader, out byte number, out bool isCurrent)
    {
        number = reader.ReadByte();
        byte current = reader.ReadByte();
        int length = reader.ReadInt32();
        if (number < Coding.ValueForm.FirstTrained || current > 1 || length is <= 0 or > SaveFormat.MaxTablesBytes)
            reader.Damaged($"tables {number} have {length} bytes");
        isCurrent = current == 1;
        byte[] tables = new byte[length];
        reader.Read(tables);
        return tables;
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "A codec is not disposable; what it shares is freed here.")]
    private static void Check(SaveReader reader, byte[] tables)
    {
        try
        {
            PageCodec.Fold(FoldLevel.Fast, tables).FreeShared();
        }
        catch (ArgumentException)
        {
            reader.Damaged("tables of a codec are none");
        }
    }
}
