using PageFold.Caching.Coding;

namespace PageFold.Caching.Saving;

/// <summary>The tables of a file that is written.</summary>
/// <remarks>Each is kept by a reference from the first entry that needs it until the end. Used by one thread. All calls come inside the
/// heap.</remarks>
internal sealed class SavedTables(ValueCoding coding)
{
    private readonly CodecVersion?[] _held = new CodecVersion?[byte.MaxValue + 1];
    private readonly bool[] _written = new bool[byte.MaxValue + 1];

    /// <summary>Keeps the tables of a form, which an entry has a reference to; false if there are none.</summary>
    public bool TryHold(ValueForm form)
    {
        if (!form.IsCounted || _held[form.Number] is not null)
            return true;
        if (coding.Versions[form.Number] is not { } version || !version.TryAcquire())
            return false;
        _held[form.Number] = version;
        return true;
    }

    /// <summary>Writes the tables for new values, even if no entry has been compressed with them yet.</summary>
    public void WriteCurrent(SaveWriter writer)
    {
        CodecVersion current = coding.Versions.AcquireCurrent();
        if (current == coding.Versions.BuiltIn)
            return;
        _held[current.Number] = current;
        Write(writer, current, isCurrent: true);
    }

    /// <summary>Writes the tables of a form unless they are there.</summary>
    public void Write(SaveWriter writer, ValueForm form)
    {
        if (form.IsCounted && !_written[form.Number])
            Write(writer, _held[form.Number]!, isCurrent: false);
    }

    /// <summary>Ends the references.</summary>
    public void Release()
    {
        for (int number = 0; number < _held.Length; number++)
        {
            if (_held[number] is not null)
                coding.Release(new ValueForm((byte)number));
            _held[number] = null;
        }
    }

    private void Write(SaveWriter writer, CodecVersion version, bool isCurrent)
    {
        _written[version.Number] = true;
        writer.Write(SaveFormat.TablesRecord);
        writer.Write(version.Number);
        writer.Write(isCurrent ? (byte)1 : (byte)0);
        writer.Write(version.Tables.Length);
        writer.Write(version.Tables.Span);
    }
}
